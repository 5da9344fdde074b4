//! Trireme's developer commands: `cargo xtask --help`.
#![expect(
    clippy::disallowed_methods,
    reason = "a developer tool may read clocks, the environment and start threads"
)]

mod attacks;
mod bench;
mod cell;
mod deny;
mod edge;
mod grown;
mod host;
mod npm;
mod page;
mod parity;
mod root;
mod setup;
mod test;
mod tools;
mod ui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use root::root;

/// An error is told to a person, once, at the end.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What developers of Trireme do besides writing code.
///
/// On a new machine, `cargo xtask test` is all it takes: it installs what the tests need,
/// then runs everything that has to pass before a change lands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Setup(setup::Arguments),
    Test(test::Arguments),
    Build(edge::Arguments),
    Host(host::Arguments),
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Setup(arguments) => setup::run(&arguments).map(|()| true),
        Command::Test(arguments) => Ok(test::run(&arguments)),
        Command::Build(arguments) => edge::run(&arguments).map(|()| true),
        Command::Host(arguments) => host::run(&arguments).map(|()| true),
        Command::Bench(arguments) => bench::run(&arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
