//! The whole product, as its users run it: the contract on every database, and what happens
//! when the database fails.
#![expect(
    clippy::disallowed_methods,
    reason = "a test of the host may read clocks and start threads"
)]

mod contract;
mod faults;
mod poor;

use trireme_testbed::ServerOptions;

const ORIGIN: &str = "https://app.example.com";

/// The binary with passwords that cost little, so that a test's time goes into what it tests.
fn options(database_url: &str) -> ServerOptions {
    ServerOptions::new(env!("CARGO_BIN_EXE_trireme"))
        .env("DATABASE_URL", database_url)
        .env("JWT_SECRET", "k9dJ2mQx7vLr4TzYw8NbHc5GfPs3AeRu")
        .env("CORS_ORIGINS", ORIGIN)
        .env("BCRYPT_COST", "4")
}
