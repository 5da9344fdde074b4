//! Trireme on its native host: the server and the `trireme` command, as a library, so that
//! tests can reach its parts. `main.rs` only starts it.
#![expect(
    clippy::disallowed_methods,
    reason = "this is a host: it may read clocks and the environment, and start threads and tasks"
)]

pub mod budget;
pub mod commands;
pub mod database;
pub mod hashing;
pub mod host;
pub mod logging;
pub mod metrics;
pub mod server;
