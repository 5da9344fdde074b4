//! Trireme on its native host: the server and the command of a product's program, as a library.
#![expect(
    clippy::disallowed_methods,
    reason = "this is a host: it may read clocks and the environment, and start threads and tasks"
)]

pub mod budget;
pub mod commands;
pub mod database;
pub mod hashing;
pub mod host;
pub mod later;
pub mod logging;
pub mod metrics;
pub mod outbound;
mod program;
pub mod server;
pub mod smtp;

use std::process::ExitCode;

use trireme::Product;
use trireme_verify::Group;

pub use program::Program;

/// The whole program of a product: the server, and the commands around it; `checks` are those of
/// `verify` besides the core's.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use trireme_tasks::Tasks;
///
/// fn main() -> ExitCode {
///     trireme_native::main::<Tasks>(&[])
/// }
/// ```
pub fn main<P: Product>(checks: &'static [Group]) -> ExitCode {
    program::call_by_name();
    commands::main(&Program::of::<P>(checks))
}
