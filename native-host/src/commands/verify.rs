//! `trireme verify`: a running server, checked against the contract from outside.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
};

use super::{
    Failure,
    output::{Progress, say},
    runtime,
};

#[derive(clap::Args)]
#[command(after_help = "\
It is safe to point at production: it makes a few accounts at example.com, works with those alone,
and deletes them at the end. It takes less than a minute.

Examples:
  trireme verify http://localhost:8000
  trireme verify https://api.example.com --origin https://app.example.com --junit report.xml")]
pub struct Args {
    /// Where the server is, such as https://api.example.com
    url: String,
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

pub fn run(args: &Args) -> Result<(), Failure> {
    let mut options = verify::Options::new(&args.url).map_err(Failure::usage)?;
    options.origin_allowed.clone_from(&args.origin);
    options.expect_production = args.production;
    options.only.clone_from(&args.only);
    options.headers.clone_from(&args.header);

    let mut progress = Progress::new(verify::planned(&options));
    let report = runtime()?.block_on(verify::run(options, |result| {
        progress.step(&format!("{}/{}", result.group, result.name));
    }));
    drop(progress);

    if let Some(file) = &args.junit {
        std::fs::write(file, report.to_junit()).map_err(|error| {
            Failure::no(format!("{} can't be written: {error}.", file.display()))
        })?;
    }
    say(if args.json { report.to_json() } else { report.to_table(io::stdout().is_terminal()) });
    if report.passed() {
        Ok(())
    } else {
        Err(Failure::no("The server does not keep its contract."))
    }
}
