//! The helper for the server's own process. This test program plays the server itself,
//! because the real one is not built when this crate is tested.
#![expect(
    clippy::disallowed_methods,
    reason = "a test of tools for tests may look at its environment"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use trireme_testbed::{Error, Server, ServerOptions, Signal, Until, http};

/// The variable that tells this program to play the server, and how.
const PART: &str = "TRIREME_TESTBED_PART";

fn playing(part: &str) -> ServerOptions {
    ServerOptions::new(std::env::current_exe().unwrap())
        .arguments(["--exact", "the_part_of_the_server", "--nocapture"])
        .env(PART, part)
}

#[test]
fn the_part_of_the_server() {
    let Ok(part) = std::env::var(PART) else { return };
    let mut names = std::env::vars().map(|(name, _)| name).collect::<Vec<_>>();
    names.sort();
    eprintln!("my variables are {}", names.join(" "));
    if part == "misconfigured" {
        std::process::exit(78);
    }
    let listener =
        TcpListener::bind(format!("127.0.0.1:{}", std::env::var("PORT").unwrap())).unwrap();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let lines = BufReader::new(&stream).lines().map(Result::unwrap);
        let head = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>();
        let refused = part == "draining" && head[0].starts_with("GET /health/ready ");
        let status = if refused { "503 draining" } else { "200 OK" };
        write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\n\r\n{part}").unwrap();
    }
}

#[test]
fn starts_answers_and_ends_by_signal() {
    let mut server = Server::start(playing("ready")).unwrap();
    assert_eq!(http::get(server.port(), "/").unwrap().body, "ready");
    assert!(server.started_in() > Duration::ZERO);
    assert!(
        server.wait_exit(Duration::from_millis(50)).unwrap_err().to_string().contains("still runs")
    );
    server.signal(Signal::TERM).unwrap();
    let status = server.wait_exit(Duration::from_secs(5)).unwrap();
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
    assert_eq!(server.has_exited().unwrap(), Some(status));
    assert!(server.signal(Signal::TERM).is_err(), "its number may belong to somebody else now");
}

#[test]
fn sees_none_of_the_callers_variables() {
    let server = Server::start(playing("ready")).unwrap();
    let log = server.log();
    assert!(log.contains("my variables are BIND PATH PORT TRIREME_TESTBED_PART\n"), "{log}");
}

#[test]
fn an_early_end_tells_status_and_output() {
    let error = Server::start(playing("misconfigured")).err().unwrap();
    assert!(error.to_string().contains("my variables are"), "{error}");
    let Error::Exited { status, .. } = error else { panic!("{error}") };
    assert_eq!(status.code(), Some(78));
}

#[test]
fn a_server_that_never_gets_ready_is_told_with_its_last_answer() {
    let started = Server::start(playing("draining").timeout(Duration::from_millis(500)));
    let error = started.err().unwrap().to_string();
    assert!(error.contains("GET /health/ready: 503 draining"), "{error}");
    Server::start(playing("draining").until(Until::Live)).unwrap();
}

#[test]
fn a_binary_that_is_not_there_is_named() {
    let error = Server::start(ServerOptions::new("/nowhere/trireme")).err().unwrap().to_string();
    assert!(error.contains("/nowhere/trireme"), "{error}");
}
