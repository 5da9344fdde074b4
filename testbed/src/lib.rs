//! Throw-away real servers for tests and benchmarks: PostgreSQL, PgBouncer, a mail server, and
//! Trireme's own binary. Everything listens on 127.0.0.1 alone, keeps its files in a temporary
//! folder, and is ended and removed when the process that started it ends, however it ends.
//!
//! ```no_run
//! use trireme_testbed::{Database, Postgres, Server, ServerOptions};
//!
//! let Some(postgres) = trireme_testbed::require(Postgres::shared()) else { return };
//! let database = Database::create(postgres).unwrap();
//! let server = Server::start(
//!     ServerOptions::new("target/debug/trireme").env("DATABASE_URL", database.url()),
//! )
//! .unwrap();
//! println!("{}/health is there", server.url());
//! ```
#![expect(
    clippy::disallowed_methods,
    reason = "a developer tool may read clocks, the environment and start threads"
)]

mod access;
mod child;
mod database;
mod error;
mod folder;
pub mod http;
pub mod http2;
mod mail;
mod pgbouncer;
mod port;
mod postgres;
mod programs;
mod proxy;
mod server;
mod tls;

pub use database::Database;
pub use error::{Error, Result};
pub use folder::Folder;
pub use mail::{Mail, MailServer, MailTls};
pub use pgbouncer::{PgBouncer, PoolMode};
pub use port::free as free_port;
pub use postgres::{Mode, Postgres, PostgresOptions, SHARED_POSTGRES};
pub use programs::find_program;
pub use proxy::Proxy;
pub use rustix::process::Signal;
pub use server::{Server, ServerOptions, Until};

/// When this variable is set, a test that needs a program which is not installed fails
/// instead of being skipped. `cargo xtask test` sets it.
pub const REQUIRE_ALL: &str = "TRIREME_TEST_REQUIRE_ALL";

/// `None`, with one line on stderr for all tests of a process, when the machine lacks a program and nobody insists on it
/// ([`REQUIRE_ALL`]): the test then returns early. Any other error fails the test.
#[track_caller]
pub fn require<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(missing @ Error::Missing { .. }) if std::env::var_os(REQUIRE_ALL).is_none() => {
            tell_once(&missing);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Past the capture of passing tests' output, or nobody would hear of it.
fn tell_once(missing: &Error) {
    static TOLD: std::sync::Once = std::sync::Once::new();
    TOLD.call_once(|| {
        let line = format!("left out: the tests that need it, because {missing}\n");
        let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
    });
}
