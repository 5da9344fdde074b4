//! The `trireme` command; what it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    trireme_native::commands::main(trireme_tasks_checks::CHECKS)
}
