//! The `trireme` command.

mod config;
mod doctor;
mod grow;
mod maintain;
mod migrate;
mod openapi;
mod output;
mod password;
mod routes;
mod serve;
mod signals;
mod user;
mod verify;

use std::{
    env, fmt,
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use clap::{
    CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
    error::ContextKind::{InvalidArg, InvalidSubcommand, InvalidValue},
};
use trireme::About;
use trireme_core::{
    Secret,
    config::{Config, Faults, Platform},
};

use crate::{Program, database::OpenError, program::name};

#[derive(Parser)]
#[command(name = "trireme", after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Examples:
  trireme                                   serve; http://localhost:8000/docs shows the API
  DATABASE_URL=postgres://… trireme         serve on PostgreSQL
  trireme verify http://localhost:8000      check a running server against its contract
  trireme user create ada@example.com       add an account

Exit codes: 0 fine, 1 it ran and the answer is no, 2 wrong usage, 78 wrong configuration.";

#[derive(Subcommand)]
enum Command {
    /// Serve the API (what no command does)
    ///
    /// Ends in good form at SIGTERM or Ctrl-C: new requests go elsewhere, those in flight are
    /// answered, within SHUTDOWN_GRACE_SECONDS. A second signal ends it at once.
    Serve,
    /// Show every variable: its value, where that comes from, what it means
    Config(config::Args),
    /// List the endpoints
    Routes(routes::Args),
    /// Print the OpenAPI document
    Openapi,
    /// Bring the database's schema up to this build
    Migrate(migrate::Args),
    /// Remove what has expired and what is left of what was deleted
    Maintain(maintain::Args),
    /// Look at the database: version, TLS, pooler, rights, schema
    Doctor(doctor::Args),
    /// Create, list, disable accounts; set a password
    #[command(subcommand)]
    User(user::Command),
    /// Check a running server against its contract, from outside
    Verify(verify::Args),
    /// Begin a product: a folder that compiles, serves and is tested
    New(grow::New),
    /// Grow the product in this folder by a resource or a field
    #[command(subcommand)]
    Add(grow::Add),
}

/// What help says of any program besides its title.
const LONG_ABOUT: &str = "\
Without a command it serves: on port 8000, with an SQLite file in the current folder,
unless environment variables say otherwise. `trireme config` lists them all.";

/// Runs the command that the process was started with.
pub fn main(program: &Program) -> ExitCode {
    let parsed = command(&program.about)
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed.map_or_else(|other| explain(&other), |cli| run(program, cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                output::complain(&failure.message);
            }
            failure.code
        }
    }
}

/// The command line as this program has it: help speaks of it by the name that it is called by.
fn command(about: &About) -> clap::Command {
    let own = |text: &str| text.replace("trireme ", &format!("{} ", name()));
    let short = format!("{}: {}", about.title, about.summary);
    let long = format!("{short}\n\n{}", own(LONG_ABOUT));
    let renamed =
        move |command: clap::Command| match command.get_after_help().map(ToString::to_string) {
            Some(text) => command.after_help(own(&text)),
            None => command,
        };
    renamed(Cli::command().mut_subcommands(renamed))
        .name(name())
        .version(about.version)
        .about(short)
        .long_about(long)
}

fn run(program: &Program, cli: Cli) -> Result<(), Failure> {
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(program),
        Command::Config(args) => config::run(program, &args),
        Command::Routes(args) => routes::run(program, &args),
        Command::Openapi => openapi::run(program),
        Command::Migrate(args) => migrate::run(program, &args),
        Command::Maintain(args) => maintain::run(program, &args),
        Command::Doctor(args) => doctor::run(program, &args),
        Command::User(command) => user::run(program, &command),
        Command::New(args) => grow::new(&args),
        Command::Add(command) => grow::add(&command),
        Command::Verify(args) => verify::run(&args, program.checks),
    }
}

/// What clap says instead of a command: help, the version, or that it is used wrongly. What can't be
/// is quoted, unless it looks like a part of a database's URL, which has a password.
fn explain(other: &clap::Error) -> Result<(), Failure> {
    let quoted = [InvalidArg, InvalidSubcommand, InvalidValue];
    let mut quoted = quoted.into_iter().filter_map(|kind| other.get(kind));
    if quoted.any(|it| it.to_string().contains("://") || it.to_string().contains('@')) {
        return Err(Failure::usage(format!(
            "A URL or an address is given where none is due; see `{} --help`.",
            name()
        )));
    }
    let text = other.render();
    if other.use_stderr() {
        return Err(Failure::usage(text.to_string().trim_end()));
    }
    if io::stdout().is_terminal() {
        return output::write(&text.ansi().to_string());
    }
    output::write(&text.to_string())
}

/// Why a command did not do what was asked: one message, with the next step in it.
#[derive(Debug)]
pub struct Failure {
    code: ExitCode,
    /// Empty where there is nobody to be told.
    message: String,
}

impl Failure {
    /// It ran, and the answer is no.
    pub fn no(message: impl fmt::Display) -> Self {
        Self { code: ExitCode::from(1), message: message.to_string() }
    }

    pub fn usage(message: impl fmt::Display) -> Self {
        Self { code: ExitCode::from(2), message: message.to_string() }
    }

    pub fn configuration(message: impl fmt::Display) -> Self {
        Self { code: ExitCode::from(78), message: message.to_string() }
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::configuration(faults)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Url(..) | OpenError::Binding(_) => Self::configuration(error),
            OpenError::File(_) => Self::no(error),
        }
    }
}

/// The value of an environment variable. What is not UTF-8 is passed on with replacement
/// characters, so that it counts as set and is found at fault.
fn variable(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The configuration, with all its faults at once.
fn configuration(program: &Program) -> Result<Config, Failure> {
    configuration_with(program, variable)
}

/// The configuration by another source of variables.
fn configuration_with(
    program: &Program,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Config, Failure> {
    let mut spare = [0; 32];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut spare);
    let spare: String = spare.iter().map(|byte| format!("{byte:02x}")).collect();
    let platform = Platform { bindings: &[], spare: Some(Secret::new(spare)) };
    Ok(Config::from_variables(variable, &platform, program.variables)?)
}

/// A runtime for a command that talks to something.
fn runtime() -> Result<tokio::runtime::LocalRuntime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())
        .map_err(|error| Failure::no(format!("The runtime could not be started: {error}.")))
}
