//! The server, and the `@name@` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    trireme_native::main::<@lib@::@Product@>(@lib@_checks::CHECKS)
}
