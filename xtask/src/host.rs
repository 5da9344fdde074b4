use std::time::{Duration, Instant};

use trireme_core::config::variables::names;
use trireme_testbed::Postgres;

use crate::cell::{Backend, Cell, Host, Options, Programs, Running};
use crate::edge::Profile;
use crate::{Result, ui};

/// Build one host and run it in the foreground, on a database of its own
///
/// The database is thrown away at the end, unless DATABASE_URL names one to use. The contract's
/// other variables (`trireme config` lists them) are taken from the environment; without
/// JWT_SECRET one is made up. Says `listening on http://127.0.0.1:N` when it answers. Ctrl-C or
/// SIGTERM ends it, and all that it started.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask host native sqlite
  cargo xtask host workers postgres --port 8787
  BCRYPT_COST=4 CORS_ORIGINS=https://app.example.com cargo xtask host spin sqlite")]
pub struct Arguments {
    #[arg(value_enum)]
    host: Host,
    #[arg(value_enum)]
    database: Backend,
    /// The port of 127.0.0.1 to listen on; a free one if not given
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Build for production: smaller and faster, but slower to build
    #[arg(long)]
    release: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let cell = Cell { host: arguments.host, backend: arguments.database };
    let options = options(cell, arguments.port)?;
    let profile = if arguments.release { Profile::Release } else { Profile::Debug };
    let programs = Programs::build(&[cell.host], profile, false)?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _inside = runtime.enter();
    // Before anything is started: from now on a signal is an orderly end.
    let ended = ended()?;

    let begun = Instant::now();
    let needs_server = cell.backend == Backend::Postgres && options.database_url.is_none();
    let postgres = needs_server.then(Postgres::start).transpose()?;
    let running = Running::start(cell, &programs, postgres.as_ref(), options)?;
    eprintln!("{cell} is ready after {} s; Ctrl-C ends it", ui::seconds(begun.elapsed()));
    println!("listening on {}", running.server.url());
    runtime.block_on(watch(running, ended))
}

/// Until a signal comes, or the host ends by itself, which is a fault.
async fn watch(mut running: Running, ended: impl Future<Output = ()>) -> Result<()> {
    let mut ended = std::pin::pin!(ended);
    loop {
        tokio::select! {
            () = &mut ended => return Ok(()),
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
        }
        if let Some(status) = running.server.has_exited()? {
            return Err(format!("the host ended by itself ({status})").into());
        }
    }
}

fn ended() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// What the environment says.
fn options(cell: Cell, port: Option<u16>) -> Result<Options> {
    let database_url = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
    let is_postgres = database_url.as_deref().is_some_and(|url| url.starts_with("postgres"));
    match (cell, &database_url) {
        (_, None) => {}
        (Cell { backend: Backend::Postgres, .. }, Some(_)) if is_postgres => {}
        (Cell { host: Host::Native, backend: Backend::Sqlite }, Some(_)) if !is_postgres => {}
        (Cell { backend: Backend::Postgres, .. }, Some(_)) => {
            return Err("DATABASE_URL must be a postgres:// URL for this cell, or be unset".into());
        }
        (Cell { backend: Backend::Sqlite, .. }, Some(_)) => {
            return Err("this cell has a database of its own: unset DATABASE_URL".into());
        }
    }
    let own = ["DATABASE_URL", "PORT", "BIND"];
    let mut variables: Vec<(String, String)> = names(&[])
        .filter(|name| !own.contains(name))
        .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
        .collect();
    let keys = ["JWT_SECRET", "JWT_SECRETS", "JWT_PRIVATE_KEY", "BETTER_AUTH_SECRET", "SECRET_KEY"];
    if !variables.iter().any(|(name, value)| keys.contains(&name.as_str()) && !value.is_empty()) {
        variables.push(("JWT_SECRET".to_owned(), made_up()?));
    }
    Ok(Options { database_url, variables, port, direct: false, show_log: true })
}

/// 256 bits in hexadecimal.
fn made_up() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
