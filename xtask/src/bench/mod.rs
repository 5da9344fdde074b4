//! Benchmarks: ratios between two servers on this machine in one run, not absolute figures,
//! which say more about the machine.

mod compare;
mod fixture;
mod programs;
mod report;
mod scenarios;
mod wrk;

use clap::ValueEnum;

use self::compare::{Comparison, compare};
use self::report::Finding;
use self::scenarios::Scenario;
use self::wrk::{Load, Target};
use crate::{Result, setup, ui};

/// Measure Trireme against a bare server, and against itself
///
/// Builds Trireme and the bare server (folder `bench`) in release mode, starts them with
/// throw-away databases, loads them in turn with wrk, and prints ratios, their spread over
/// the rounds, and the goals. All traffic stays on 127.0.0.1. Exits 1 when a goal is missed.
#[derive(clap::Args)]
pub struct Arguments {
    /// Print findings, with every round's samples, as JSON on stdout
    #[arg(long)]
    json: bool,
    /// Run this scenario alone; may be given more than once
    #[arg(long, value_name = "SCENARIO")]
    only: Vec<Scenario>,
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
}

impl Arguments {
    fn compare(&self, name: &str, a: &Target, b: &Target) -> Result<Comparison> {
        let load = Load { connections: self.connections, seconds: self.seconds };
        compare(name, a, b, self.rounds, load)
    }
}

/// Whether every goal was met.
pub fn run(arguments: &Arguments) -> Result<bool> {
    setup::run(&setup::Arguments { bench: true })?;
    ui::heading("build");
    let programs = programs::build()?;
    let mut findings = Vec::<Finding>::new();
    for scenario in Scenario::value_variants() {
        if arguments.only.is_empty() || arguments.only.contains(scenario) {
            ui::heading(&scenario.title());
            findings.extend(scenario.run(arguments, &programs)?);
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        ui::heading("findings");
        print!("{}", report::table(&findings));
    }
    Ok(findings.iter().all(|it| it.met))
}
