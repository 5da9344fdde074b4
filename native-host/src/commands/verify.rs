//! `trireme verify`: a running server, checked against the contract from outside.

use std::{
    io::{self, IsTerminal as _},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    pin::Pin,
};

use tokio::sync::oneshot;
use trireme_verify::{Group, Leftover};

use super::{
    Failure,
    output::{Progress, complain, say, say_json, write},
    runtime,
    signals::Signals,
    variable,
};
use crate::program::name;

#[derive(clap::Args)]
#[command(after_help = "\
It is safe to point at production: it makes a few accounts at example.com, works with those alone,
and deletes them at the end, also when it is stopped by Ctrl-C or SIGTERM. It takes less than a minute, and longer from far away.

Examples:
  trireme verify http://localhost:8000
  trireme verify https://api.example.com --origin https://app.example.com --junit report.xml
  trireme verify --list --only sessions/         what would be checked
  trireme verify --clean-up                      after a run that was killed")]
pub struct Args {
    /// Where the server is, such as https://api.example.com
    #[arg(required_unless_present_any = ["clean_up", "list"])]
    url: Option<String>,
    /// Delete the accounts that runs which were killed have left, instead of checking anything
    #[arg(long)]
    clean_up: bool,
    /// Name the checks instead of making them
    #[arg(long, conflicts_with = "clean_up")]
    list: bool,
    /// An origin that the server's CORS_ORIGINS lists
    #[arg(long)]
    origin: Option<String>,
    /// Whether it is a production server; otherwise it is asked
    #[arg(long)]
    production: Option<bool>,
    /// Make only the checks whose group/name contains this
    #[arg(long)]
    only: Option<String>,
    /// Send this with every request, such as 'X-Forwarded-Proto: https'
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(http::HeaderName, http::HeaderValue)>,
    /// Write JSON
    #[arg(long)]
    json: bool,
    /// Write a JUnit report to this file as well
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

fn header(text: &str) -> Result<(http::HeaderName, http::HeaderValue), String> {
    let wrong = || "write it as 'Name: value'".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    Ok((name.trim().parse().map_err(|_| wrong())?, value.trim().parse().map_err(|_| wrong())?))
}

pub fn run(args: &Args, checks: &'static [Group]) -> Result<(), Failure> {
    if args.clean_up {
        return clean_up(args);
    }
    if args.list {
        return list(args, checks);
    }
    // clap demands it.
    let mut options = options(args, args.url.as_deref().unwrap_or_default())?;
    options.origin_allowed.clone_from(&args.origin);
    options.expect_production = args.production;
    options.only.clone_from(&args.only);
    let url = args.url.as_deref().unwrap_or_default();
    match folder().and_then(|folder| trireme_verify::Journal::begin(&folder, url)) {
        Ok(journal) => options.journal = Some(journal),
        Err(error) => complain(format_args!(
            "The run's accounts can't be remembered ({error}): one that is killed leaves them behind."
        )),
    }

    let mut progress = Progress::new(trireme_verify::planned(&options, checks));
    let report = runtime()?.block_on(until_stopped(|stop| {
        trireme_verify::run_until(stop, options, checks, |result| {
            progress.step(&format!("{}/{}", result.group, result.name));
        })
    }))?;
    drop(progress);

    if let Some(file) = &args.junit {
        std::fs::write(file, report.to_junit()).map_err(|error| {
            Failure::no(format!("{} can't be written: {error}.", file.display()))
        })?;
    }
    if args.json {
        say_json(&report)?;
    } else {
        write(&report.to_table(io::stdout().is_terminal()))?;
    }
    match (report.left_accounts(), report.stopped) {
        (true, _) => {
            Err(Failure::no(format!("Accounts may be left: `{} verify --clean-up {url}`.", name())))
        }
        (false, true) => Err(Failure::no("Stopped before its end; its accounts are deleted.")),
        _ if report.passed() => Ok(()),
        _ => Err(Failure::no("The server does not keep its contract.")),
    }
}

/// Names the checks that a run would make, in order.
fn list(args: &Args, checks: &'static [Group]) -> Result<(), Failure> {
    // Nobody is asked, so any address will do.
    let mut options = options(args, args.url.as_deref().unwrap_or("http://localhost"))?;
    options.only.clone_from(&args.only);
    let names = trireme_verify::list(&options, checks);
    if args.json {
        return say_json(&names);
    }
    write(&names.iter().map(|name| format!("{name}\n")).collect::<String>())
}

fn options(args: &Args, url: &str) -> Result<trireme_verify::Options, Failure> {
    let mut options = trireme_verify::Options::new(url).map_err(Failure::usage)?;
    options.headers.clone_from(&args.header);
    Ok(options)
}

/// Runs until SIGINT or SIGTERM asks for an end in good form, and a second one for an end.
async fn until_stopped<T, F: Future<Output = T>>(
    run: impl FnOnce(Stop) -> F,
) -> Result<T, Failure> {
    let mut signals = Signals::listen()?;
    let (stop, stopped) = oneshot::channel();
    let ended = async {
        signals.next().await;
        complain("\nStopping; the run's accounts are deleted first.");
        let _ = stop.send(());
        signals.next().await;
    };
    let stopped: Stop = Box::pin(async {
        // Nobody can stop it any more only when nobody waits for it.
        let _ = stopped.await;
    });
    tokio::select! {
        result = run(stopped) => Ok(result),
        () = ended => Err(Failure::no(format!(
            "Stopped at once. `{} verify --clean-up` deletes the accounts that are left.",
            name()
        ))),
    }
}

type Stop = Pin<Box<dyn Future<Output = ()>>>;

/// Deletes what runs that were killed have left, on one server or on all.
fn clean_up(args: &Args) -> Result<(), Failure> {
    let all = folder().and_then(|folder| Leftover::all(&folder)).map_err(|error| {
        Failure::no(format!("What earlier runs have left can't be read: {error}."))
    })?;
    let wanted = args.url.as_deref().map(|url| options(args, url)).transpose()?;
    let (mut cleaned, mut failed) = (0, Vec::new());
    for left in &all {
        let options = options(args, &left.url)?;
        if wanted.as_ref().is_some_and(|wanted| !wanted.same_server(&options)) {
            continue;
        }
        match runtime()?.block_on(trireme_verify::clean_up(left, options)) {
            Ok(()) => cleaned += 1,
            Err(failure) => failed.push(format!("{}: {}", left.url, failure.actual)),
        }
    }
    if !failed.is_empty() {
        return Err(Failure::no(format!("Accounts are left.\n{}", failed.join("\n"))));
    }
    match cleaned {
        0 => say("No run has left anything."),
        1 => say("What a run had left is deleted."),
        count => say(format_args!("What {count} runs had left is deleted.")),
    }
}

/// Where runs are remembered: in the user's folder for state, or where there is none in one beside
/// others' temporary files, unless somebody else was there first.
fn folder() -> io::Result<PathBuf> {
    let set = |name| variable(name).filter(|path| path.starts_with('/')).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    if let Some(state) = state {
        return Ok(state.join("trireme/verify"));
    }
    let user = rustix::process::geteuid().as_raw();
    let folder = std::env::temp_dir().join(format!("trireme-verify-{user}"));
    match std::fs::symlink_metadata(&folder) {
        Ok(there) if there.uid() != user || !there.is_dir() => {
            Err(io::Error::other(format!("{} is somebody else's", folder.display())))
        }
        _ => Ok(folder),
    }
}
