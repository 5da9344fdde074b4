//! In each mode we take the certificates that psql takes, and no other.

#[path = "../database_support/mod.rs"]
mod database_support;
mod make;

use std::{path::Path, process::Command};

use trireme_core::{
    host::{Database as _, Scope},
    sql::Statement,
};
use trireme_testbed::{Folder, Postgres, find_program, require};

use database_support::{config, open};

/// Whether psql connects, in a home without files of its own.
fn psql(url: &str, home: &Path) -> bool {
    let output = Command::new(find_program("psql").unwrap())
        .args(["-X", "-q", "-A", "-t", "-c", "SELECT 1", url])
        .env_clear()
        .env("HOME", home)
        .output()
        .unwrap();
    output.status.success()
}

async fn ours(url: &str) -> Result<(), String> {
    let statements = [Statement::read("SELECT 1", vec![])];
    let answer = open(&config(url)).batch(Scope::Service, &statements).await;
    answer.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn we_take_what_psql_takes() {
    let Some(postgres) = require(Postgres::with_tls()) else { return };
    let folder = Folder::new().unwrap();
    let roots = folder.path().join("roots.pem");
    let file = roots.display();
    let modes = [
        "sslmode=require".to_owned(),
        format!("sslmode=prefer&sslrootcert={file}"),
        format!("sslmode=require&sslrootcert={file}"),
        format!("sslmode=verify-ca&sslrootcert={file}"),
        format!("sslmode=verify-full&sslrootcert={file}"),
    ];
    let mut differences = Vec::new();
    let mut taken = [0; 5];
    for case in make::all() {
        std::fs::write(&roots, &case.roots).unwrap();
        postgres.reload(&[("server.crt", &case.chain), ("server.key", &case.key)]).unwrap();
        let host = format!("@{}:", case.host);
        let url = postgres.url("postgres").replace("@127.0.0.1:", &host);
        for (number, mode) in modes.iter().enumerate() {
            let url = format!("{url}?{mode}&hostaddr=127.0.0.1");
            let theirs = psql(&url, folder.path());
            taken[number] += usize::from(theirs);
            let ours = ours(&url).await;
            if ours.is_ok() != theirs {
                let mode = mode.replace(&file.to_string(), "FILE");
                differences.push(format!("{}, {mode}: {theirs} for psql, {ours:?}", case.name));
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    // The table would hold as well if nobody connected.
    let all = make::all().len();
    assert!(taken[0] == all && taken[4] > 8 && taken[4] < taken[3] && taken[3] < all, "{taken:?}");
}

/// By PostgreSQL's older protocol of TLS too, which checks the handshake in another way.
#[tokio::test]
async fn version_1_connects_by_tls_1_2() {
    let Some(postgres) = require(Postgres::with_tls()) else { return };
    let case = make::all().into_iter().find(|it| it.name == "version 1").unwrap();
    let settings = "ssl_min_protocol_version = 'TLSv1.2'\nssl_max_protocol_version = 'TLSv1.2'\n";
    let files = [
        ("server.crt", case.chain.as_str()),
        ("server.key", &case.key),
        ("tls12.conf", settings),
        ("postgresql.conf", "include 'tls12.conf'\n"),
    ];
    postgres.reload(&files).unwrap();
    for mode in ["require", "prefer"] {
        ours(&format!("{}?sslmode={mode}", postgres.url("postgres"))).await.unwrap();
    }
}

/// `prefer` and `allow` go on without TLS, or with it, where the server wants that.
#[tokio::test]
async fn weak_modes_do_as_the_server_wants() {
    let Some(postgres) = require(Postgres::with_tls()) else { return };
    let folder = Folder::new().unwrap();
    let url = postgres.url("postgres");
    for line in ["hostssl", "hostnossl"] {
        let access = format!("{line} all all all scram-sha-256\n");
        postgres.reload(&[("pg_hba.conf", &access)]).unwrap();
        for mode in ["disable", "allow", "prefer", "require"] {
            let url = format!("{url}?sslmode={mode}");
            let (theirs, ours) = (psql(&url, folder.path()), ours(&url).await);
            assert_eq!(ours.is_ok(), theirs, "{line}, {mode}: {ours:?}");
            let fits = matches!(
                (line, mode),
                (_, "allow" | "prefer") | ("hostssl", "require") | ("hostnossl", "disable")
            );
            assert_eq!(theirs, fits, "{line}, {mode}");
        }
    }
}
