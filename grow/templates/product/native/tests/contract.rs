//! The whole product, as its users run it: what it promises, on each database.

use @lib@_checks::CHECKS;
use trireme_testbed::{Database, Postgres, Server, ServerOptions, require};
use trireme_verify::Options;

/// The real server, with passwords that cost little, held to every check.
fn verify(database_url: &str) {
    let options = ServerOptions::new(env!("CARGO_BIN_EXE_@name@"))
        .env("DATABASE_URL", database_url)
        .env("JWT_SECRET", "k9dJ2mQx7vLr4TzYw8NbHc5GfPs3AeRu")
        .env("BCRYPT_COST", "4")
        .env("LOG_LEVEL", "warn");
    let server = Server::start(options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let options = Options::new(&server.url()).unwrap();
    let report = runtime.block_on(trireme_verify::run(options, CHECKS, |_| {}));
    assert!(report.passed(), "{}\n{}", server.log(), report.to_table(false));
}

#[test]
fn the_contract_holds_on_sqlite() {
    verify("sqlite://contract.sqlite3");
}

/// Left out where PostgreSQL is not installed.
#[test]
fn the_contract_holds_on_postgres() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    verify(&Database::create(postgres).unwrap().url());
}
