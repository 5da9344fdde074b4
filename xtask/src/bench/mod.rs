//! Benchmarks: ratios between two servers on this machine in one run, not absolute figures,
//! which say more about the machine.

mod against;
mod ask;
mod compare;
mod fixture;
mod peers;
mod programs;
mod report;
mod scenarios;
mod stage;
mod steady;
mod wrk;

use clap::ValueEnum;
use serde::Serialize;

use self::compare::{Comparison, compare};
use self::peers::Peer;
use self::programs::Programs;
use self::report::Finding;
use self::scenarios::Scenario;
use self::wrk::{Load, Target};
use crate::{Result, setup, ui};

/// Measure Trireme against a bare server, other stacks, and itself
///
/// Builds Trireme and the bare server (folder `bench`) in release mode, starts them with
/// throw-away databases, loads them in turn with wrk, and prints a table of ratios, their spread
/// over the rounds, and the goals; behind each ratio stand requests a second, processor time a
/// request and p99 of both servers. All traffic stays on 127.0.0.1. Exits 1 when a goal is missed.
/// docs/performance.md says what each line means.
///
/// The scenario `peers` builds and installs other stacks (bench/peers), for which Python 3.11 or
/// later with venv (Debian's python3-venv) has to be there beside Node.js.
///
/// A quick look at a change: `cargo xtask bench --against main --only read --rounds 3`
///
/// Keep results: `cargo xtask bench --json > results.json`
#[derive(clap::Args)]
pub struct Arguments {
    /// Print findings, with every round's samples, as JSON on stdout
    #[arg(long)]
    json: bool,
    /// Run this scenario alone; may be given more than once
    #[arg(long, value_name = "SCENARIO")]
    only: Vec<Scenario>,
    /// Compare with Trireme of this revision instead, in live, read, list, create and patch; it is
    /// built in a worktree below the target folder
    #[arg(long, value_name = "REV")]
    against: Option<String>,
    /// How often the two servers of a comparison take turns
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long one measurement takes
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Also begin a product with nothing compiled, which takes minutes
    #[arg(long)]
    cold: bool,
    /// Connections that the load generator holds open
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: u32,
    /// Tasks of the user who has many, in the scenario `rows`; ten million take some
    /// minutes to seed, and several GB of disk
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    rows: u32,
}

impl Arguments {
    fn compare(&self, name: &str, a: &Target, b: &Target) -> Result<Comparison> {
        let load = Load { connections: self.connections, seconds: self.seconds };
        compare(name, a, b, self.rounds, load)
    }

    fn wants(&self, scenario: Scenario) -> bool {
        self.only.is_empty() || self.only.contains(&scenario)
    }
}

/// What is kept of a run.
#[derive(Serialize)]
struct Results<'a> {
    /// As `git describe` has it; with `-dirty` where something was not committed.
    revision: String,
    processors: usize,
    rounds: u32,
    seconds: u32,
    connections: u32,
    findings: &'a [Finding],
}

/// Whether every goal was met.
pub fn run(arguments: &Arguments) -> Result<bool> {
    setup::run(&setup::Arguments { bench: true })?;
    ui::heading("build");
    let programs = programs::build()?;
    if arguments.against.is_none() && arguments.wants(Scenario::Peers) {
        // Now, and not after half an hour, it shows that something for them is missing.
        Peer::ALL.iter().try_for_each(|(peer, _)| peer.prepare().map(drop))?;
    }
    let findings = match &arguments.against {
        Some(revision) => against::run(arguments, &programs, revision)?,
        None => scenarios(arguments, &programs)?,
    };
    if arguments.json {
        let results = Results {
            revision: against::git(&["describe", "--always", "--dirty", "--abbrev=12"])?,
            processors: std::thread::available_parallelism()?.get(),
            rounds: arguments.rounds,
            seconds: arguments.seconds,
            connections: arguments.connections,
            findings: &findings,
        };
        println!("{}", serde_json::to_string_pretty(&results)?);
    } else {
        ui::heading("findings");
        print!("{}", report::table(&findings));
    }
    Ok(findings.iter().all(|it| it.met))
}

fn scenarios(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for scenario in Scenario::value_variants().iter().filter(|it| arguments.wants(**it)) {
        ui::heading(&scenario.title());
        findings.extend(scenario.run(arguments, programs)?);
    }
    Ok(findings)
}
