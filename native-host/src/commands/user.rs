//! `trireme user`: accounts, without the API.

use std::fmt::Write as _;

use trireme::admin;
use trireme_core::error::Error;

use super::{
    Failure, configuration,
    output::{say, say_json, table},
    password, runtime, serve,
};
use crate::{Program, metrics::Metrics, program::name};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Create an account; the password is asked for, or read from stdin
    Create {
        email: String,
        #[arg(long)]
        name: Option<String>,
    },
    /// List accounts, the newest first
    List {
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Set a password and end all sessions; it is asked for, or read from stdin
    SetPassword { email: String },
    /// Keep an account from signing in, and end its sessions at once
    Disable { email: String },
    /// Let a disabled account sign in again
    Enable { email: String },
}

pub fn run(program: &Program, command: &Command) -> Result<(), Failure> {
    let config = configuration(program)?;
    let secret = match command {
        Command::Create { .. } | Command::SetPassword { .. } => Some(password::read()?),
        _ => None,
    };
    runtime()?.block_on(async {
        let host = serve::host(&config, 1, &Metrics::new(program))?;
        let app = (program.app)(config);
        let secret = secret.as_deref().unwrap_or_default();
        match command {
            Command::Create { email, name } => {
                let id = admin::create(&host, &app, email, secret, name.as_deref())
                    .await
                    .map_err(explain)?;
                say(id)?;
            }
            Command::List { limit, json } => {
                let accounts = admin::list(&host, i64::from(*limit)).await.map_err(explain)?;
                show(&accounts, *json)?;
            }
            Command::SetPassword { email } => {
                admin::set_password(&host, &app, email, secret).await.map_err(explain)?;
                say("The password is set; all sessions have ended.")?;
            }
            Command::Disable { email } => {
                admin::disable(&host, email, true).await.map_err(explain)?;
                say("The account is disabled; its sessions have ended.")?;
            }
            Command::Enable { email } => {
                admin::disable(&host, email, false).await.map_err(explain)?;
                say("The account can sign in again.")?;
            }
        }
        Ok(())
    })
}

fn show(accounts: &[admin::Account], json: bool) -> Result<(), Failure> {
    if json {
        return say_json(&accounts);
    }
    let rows: Vec<_> = accounts
        .iter()
        .map(|account| {
            let state = account.disabled_at.map_or("active", |_| "disabled");
            let name = account.name.as_deref().unwrap_or_default();
            let created = account.created_at.rfc3339();
            [&account.id.to_string(), state, &created, &account.email, name].map(str::to_owned)
        })
        .collect();
    if rows.is_empty() { Ok(()) } else { say(table(&rows)) }
}

pub fn next() -> String {
    let name = name();
    format!(
        "If the database is new, run `{name} migrate` first; `{name} doctor` looks for other reasons."
    )
}

/// An operator sees the cause, which a caller of the API never does.
fn explain(error: Error) -> Failure {
    let mut message = error.detail.into_owned();
    for fault in &error.faults {
        let _ = write!(message, "\n  {}: {}", fault.pointer.trim_start_matches('/'), fault.detail);
    }
    if let Some(cause) = error.cause {
        let _ = write!(message, "\n  {cause}\n{}", next());
    }
    Failure::no(message)
}
