//! `trireme maintain`: what is due, worked off now.

use serde_json::json;
use trireme::maintenance::{self, Outcome, Report};

use super::{
    Failure, configuration,
    output::{complain, say, say_json, table},
    runtime, serve,
};
use crate::{Program, logging, metrics::Metrics};

#[derive(clap::Args)]
#[command(after_help = "\
Removes what has expired (attempts, stored answers, tokens, sessions) and what is left of deleted
accounts, sends the letters that are due, and takes the product's own steps, in small pieces, while others serve. `trireme serve`
does the same in the background and Workers by their cron trigger; where neither runs, as with Spin, let cron run this.
Several at once do no harm: a step that another instance is at is left to it.

Examples:
  trireme maintain                          until nothing is due
  */5 * * * * trireme maintain --json       from cron")]
pub struct Args {
    /// One piece of each step, at most a thousand rows of a table
    #[arg(long)]
    once: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Of a step, before the others have their turn.
const PIECES: u32 = 100;

pub fn run(program: &Program, args: &Args) -> Result<(), Failure> {
    let config = configuration(program)?;
    let _logging = logging::start(&config.log, &std::io::stderr())
        .map_err(|error| Failure::no(format!("Logging could not be started: {error}.")))?;
    let reports = runtime()?.block_on(async {
        let host = serve::host(&config, 1, &Metrics::new(program))?;
        let app = (program.app)(config);
        let mut all: Vec<Report> = Vec::new();
        loop {
            let run = maintenance::run(&app, &host, if args.once { 1 } else { PIECES });
            let run = run.await.map_err(|error| {
                Failure::no(format!(
                    "What is due could not be asked: {error}.\n{}",
                    super::user::next()
                ))
            })?;
            let unfinished = run.iter().any(|report| report.outcome == Outcome::Unfinished);
            add(&mut all, run);
            if args.once || !unfinished {
                // What steps have put off is done before the process ends.
                host.later.done().await;
                return Ok::<_, Failure>(all);
            }
            for report in all.iter().filter(|report| report.outcome == Outcome::Unfinished) {
                complain(format_args!("{}: {} rows so far", report.step, report.rows));
            }
        }
    })?;
    if args.json {
        say_json(&json!({ "steps": reports }))?;
    } else {
        say(table(&reports.iter().map(row).collect::<Vec<_>>()))?;
    }
    let failed: Vec<_> = reports.iter().filter_map(|report| report.cause.as_deref()).collect();
    if failed.is_empty() { Ok(()) } else { Err(Failure::no(failed.join("\n"))) }
}

/// Runs one after the other make one: due is what was at the beginning.
fn add(all: &mut Vec<Report>, run: Vec<Report>) {
    if all.is_empty() {
        *all = run;
        return;
    }
    for (sum, report) in all.iter_mut().zip(run) {
        sum.rows += report.rows;
        sum.pieces += report.pieces;
        sum.milliseconds += report.milliseconds;
        sum.outcome = report.outcome;
        sum.cause = report.cause;
    }
}

fn row(report: &Report) -> [String; 5] {
    let outcome = match report.outcome {
        Outcome::Done => "done",
        Outcome::Unfinished => "more is due",
        Outcome::Elsewhere => "another instance is at it",
        Outcome::Failed => "failed",
    };
    [
        report.step.to_owned(),
        format!("{} due", report.due),
        format!("{} rows", report.rows),
        format!("{} ms", report.milliseconds),
        outcome.to_owned(),
    ]
}
