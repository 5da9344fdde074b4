//! Signing in to PostgreSQL as Workers do, which connect for each request: on a real server, and
//! on pretended ones, since no real one lies.
#![expect(clippy::disallowed_methods, reason = "a test may start tasks")]

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    net::TcpStream,
    time::timeout,
};
use tokio_postgres::{Config, NoTls, config::ChannelBinding, error::SqlState};
use trireme_core::postgres::{
    explain,
    sign_in::{Cache, sign_in},
};
use trireme_testbed::{Postgres, require};

/// The number that the server gave, through tokio-postgres.
async fn ask(config: &Config, cache: &Cache) -> Result<i32, tokio_postgres::Error> {
    let socket = TcpStream::connect(("127.0.0.1", config.get_ports()[0])).await.unwrap();
    let session = sign_in(socket, config, cache, [7; 18]).await.unwrap();
    let (client, connection) = config.connect_raw(session, NoTls).await?;
    tokio::spawn(connection);
    Ok(client.query_one("SELECT 41 + 1", &[]).await?.get(0))
}

#[tokio::test]
async fn one_password_signs_in_again_and_another_does_not() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let mut config: Config = postgres.superuser_url("postgres").parse().unwrap();
    let cache = Cache::default();
    assert_eq!(ask(&config, &cache).await.unwrap(), 42);
    assert_eq!(ask(&config, &cache).await.unwrap(), 42);
    // They are of one password.
    config.password("another");
    let refused = ask(&config, &cache).await.unwrap_err();
    assert_eq!(refused.code(), Some(&SqlState::INVALID_PASSWORD), "tokio-postgres reads it");
}

#[tokio::test]
async fn what_the_session_is_told_arrives() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let mut config: Config = postgres.superuser_url("postgres").parse().unwrap();
    config.application_name("by hand").options("-c work_mem=1234kB");
    let socket = TcpStream::connect(("127.0.0.1", config.get_ports()[0])).await.unwrap();
    let session = sign_in(socket, &config, &Cache::default(), [7; 18]).await.unwrap();
    let (client, connection) = config.connect_raw(session, NoTls).await.unwrap();
    tokio::spawn(connection);
    let sql = "SELECT current_setting('application_name') || current_setting('work_mem')";
    let row = client.query_one(sql, &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "by hand1234kB");
}

/// A message from the server.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [&[kind], &length[..], body].concat()
}

fn about_signing_in(kind: u32, body: &[u8]) -> Vec<u8> {
    message(b'R', &[&kind.to_be_bytes(), body].concat())
}

/// What a server says at first, and says to what it is told; then it listens in silence.
async fn pretend(mut server: DuplexStream, answers: Vec<Vec<u8>>) {
    for answer in answers {
        let mut told = [0; 1024];
        let length = server.read(&mut told).await.unwrap();
        let told = String::from_utf8_lossy(&told[..length]);
        let nonce = told.split_once("r=").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        let at = answer.windows(NONCE.len()).position(|part| part == NONCE);
        let answer = match at {
            Some(at) => [&answer[..at], nonce.as_bytes(), &answer[at + NONCE.len()..]].concat(),
            None => answer,
        };
        // In pieces, as a network may deliver it.
        for byte in answer {
            if server.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
    let _ = server.read_to_end(&mut Vec::new()).await;
}

async fn meet(answers: Vec<Vec<u8>>) -> Result<(), io::Error> {
    let mut config = Config::new();
    config.user("ada").password("pencil");
    meet_as(&config, answers).await
}

async fn meet_as(config: &Config, answers: Vec<Vec<u8>>) -> Result<(), io::Error> {
    let (ours, theirs) = duplex(1024);
    tokio::spawn(pretend(theirs, answers));
    let cache = Cache::default();
    let met = async {
        let session = sign_in(ours, config, &cache, [7; 18]).await?;
        let connected = config.connect_raw(session, NoTls).await;
        connected.map(drop).map_err(|error| io::Error::other(explain(&error)))
    };
    timeout(Duration::from_secs(5), met).await.expect("nobody waits for a silent server")
}

fn asked() -> Vec<u8> {
    about_signing_in(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")
}

/// `NONCE` becomes the client's, which is longer.
fn challenge(text: &str) -> Vec<u8> {
    let mut challenge = about_signing_in(11, text.as_bytes());
    challenge[4] += 24 - NONCE.len() as u8;
    challenge
}

const NONCE: &[u8] = b"NONCE";
const CHALLENGE: &str = "r=NONCEx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

/// What a server says to whom it lets in.
fn welcome() -> Vec<u8> {
    [about_signing_in(0, b""), message(b'K', &[0; 8]), message(b'Z', b"I")].concat()
}

#[tokio::test]
async fn a_server_that_does_not_know_the_password_is_left() {
    let lie = about_signing_in(12, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    let refused = meet(vec![asked(), challenge(CHALLENGE), lie]).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    assert!(refused.to_string().contains("does not know the password"), "{refused}");

    let skipped = about_signing_in(0, b"");
    let refused = meet(vec![asked(), challenge(CHALLENGE), skipped]).await.unwrap_err();
    assert!(refused.to_string().contains("leaves out"), "{refused}");
}

#[tokio::test]
async fn other_ways_to_sign_in_are_left_to_tokio_postgres() {
    meet(vec![welcome()]).await.unwrap();
    let (cleartext, md5) = (about_signing_in(3, b""), about_signing_in(5, b"salt"));
    meet(vec![cleartext, welcome()]).await.unwrap();
    meet(vec![md5, welcome()]).await.unwrap();

    let mut config = Config::new();
    config.user("ada");
    let refused = meet_as(&config, vec![asked()]).await.unwrap_err();
    assert!(refused.to_string().contains("password"), "{refused}");
    config.password("pencil").channel_binding(ChannelBinding::Require);
    let refused = meet_as(&config, vec![asked()]).await.unwrap_err();
    assert!(refused.to_string().contains("channel"), "nothing is proved: {refused}");
}

#[tokio::test]
async fn what_is_no_postgres_ends_in_an_error() {
    for answer in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        about_signing_in(0, &vec![0; 20_000]),
        b"R\xff\xff\xff\xff".to_vec(),
    ] {
        let refused = meet(vec![answer]).await.unwrap_err();
        assert!(refused.to_string().contains("something else than PostgreSQL"), "{refused}");
    }
    for answer in [
        message(b'R', b""),
        message(b'R', b"\0\0"),
        message(b'Z', b"I"),
        about_signing_in(10, b""),
        about_signing_in(11, b"r=unasked"),
    ] {
        assert!(meet(vec![answer.clone()]).await.is_err(), "{}", answer.escape_ascii());
    }
    for text in ["r=NONCE", &CHALLENGE.replace("4096", "100001"), &CHALLENGE.replace("r=", "r=x")] {
        let refused = meet(vec![asked(), challenge(text)]).await.unwrap_err();
        assert!(refused.to_string().contains("can't be read"), "{text}: {refused}");
    }
}
