//! `trireme config`: every variable, its value and its meaning.

use std::borrow::Cow;

use serde::Serialize;
use trireme_core::config::variables::{NOT_YET, VARIABLES, Variable};

use crate::Program;

use super::{
    Failure, configuration,
    output::{say, say_json, table},
    variable,
};

#[derive(clap::Args)]
#[command(after_help = "Secrets are never shown. Faults go to stderr, and the exit code is 78.")]
pub struct Args {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line {
    name: &'static str,
    /// Null when it is unset, secret, or a URL with a password in it.
    value: Option<String>,
    source: Source,
    secret: bool,
    /// In words.
    default: Cow<'static, str>,
    meaning: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    Variable,
    Default,
}

pub fn run(program: &Program, args: &Args) -> Result<(), Failure> {
    let lines: Vec<_> = VARIABLES.iter().chain(program.variables).map(Line::of).collect();
    let ignored: Vec<_> = NOT_YET.iter().copied().filter(|name| is_set(name)).collect();
    if args.json {
        say_json(&serde_json::json!({ "variables": lines, "ignored": ignored }))?;
    } else {
        let rows: Vec<_> = lines.iter().map(Line::row).collect();
        say(table(&rows))?;
        for name in ignored {
            say(format_args!("\n{name} is set, but this version does not serve it."))?;
        }
    }
    configuration(program).map(drop)
}

/// An empty variable counts as unset.
fn value(name: &str) -> Option<String> {
    variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

pub fn is_set(name: &str) -> bool {
    value(name).is_some()
}

impl Line {
    fn of(variable: &Variable) -> Self {
        let (&Variable { name, meaning, .. }, secret) = (variable, variable.is_secret());
        let default = variable.default();
        let value = value(name);
        let source = if value.is_some() { Source::Variable } else { Source::Default };
        let shown = value.filter(|value| !secret && !has_password(value));
        Self { name, value: shown, source, secret, default, meaning }
    }

    fn row(&self) -> [String; 4] {
        let (value, source) = match (&self.value, self.source) {
            (Some(value), _) => (value.as_str(), "set"),
            (None, Source::Variable) => ("(hidden)", "set"),
            (None, Source::Default) => (&*self.default, "default"),
        };
        [self.name, source, value, self.meaning].map(str::to_owned)
    }
}

/// A URL that names somebody is in the wrong variable, where it is a fault.
fn has_password(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}
