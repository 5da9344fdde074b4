use crate::Result;
use crate::bench::Arguments;
use crate::bench::ask::Ask;
use crate::bench::compare::Spread;
use crate::bench::programs::Programs;
use crate::bench::report::{Finding, Goal};
use crate::bench::stage::Stage;
use crate::bench::steady::{self, Times};

const SHARE: f64 = 0.7;

/// How long the slowest reads take when Trireme and the bare server with the same statements are
/// each asked at a constant rate, a part of what they can.
pub fn run(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    let stage = Stage::set(arguments, programs)?;
    let targets = [stage.trireme(Ask::Read), stage.bare("entered", Ask::Read)];
    let mut rates = [0.0; 2];
    for (target, rate) in targets.iter().zip(&mut rates) {
        steady::run(programs, target, None, 1)?;
        *rate = SHARE * steady::run(programs, target, None, arguments.seconds)?.requests_per_second;
    }
    let mut rounds = Vec::new();
    for round in 1..=arguments.rounds {
        let run = |it: usize| {
            let times = steady::run(programs, &targets[it], Some(rates[it]), arguments.seconds)?;
            eprintln!(
                "tails, round {round}: {} at {:.0}/s: p99 {:.2} ms, p99.9 {:.2} ms",
                targets[it].name, times.requests_per_second, times.p99_ms, times.p999_ms
            );
            Ok::<_, Box<dyn std::error::Error>>(times)
        };
        rounds.push((run(0)?, run(1)?));
    }
    let mut findings = Vec::new();
    for (name, of) in [("p99", (|it| it.p99_ms) as fn(&Times) -> f64), ("p99.9", |it| it.p999_ms)] {
        let ratio = Spread::of(rounds.iter().map(|(a, b)| of(a) / of(b)));
        let what = format!("{name} of the read at 70 % of its maximum");
        findings.push(Finding::new(format!("{what}, of bare"), "", ratio, Goal::AtMost(1.5)));
        let ours = Spread::of(rounds.iter().map(|(it, _)| of(it)));
        findings.push(Finding::new(what, "ms", ours, Goal::None));
    }
    Ok(findings)
}
