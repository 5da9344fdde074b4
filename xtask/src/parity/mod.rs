//! The black-box suite on all six cells, and their answers laid side by side.

mod bodies;
mod calls;
mod differences;
mod faults;
mod limits;
mod outage;
mod texts;
mod triggers;

use std::time::{Duration, Instant};

use trireme_testbed::Postgres;
use trireme_verify::{Outcome, Report};

use crate::cell::{Cell, Host, Options, Programs, Running};
use crate::edge::Profile;
use crate::{Result, ui};

const ORIGIN: &str = "https://app.example.com";

/// The same for all, with passwords that cost little.
const VARIABLES: [(&str, &str); 5] = [
    ("JWT_SECRET", "k9dJ2mQx7vLr4TzYw8NbHc5GfPs3AeRu"),
    ("CORS_ORIGINS", ORIGIN),
    ("BCRYPT_COST", "4"),
    ("RATE_LIMIT_AUTH_PER_ADDRESS", "300/60s"),
    ("LOG_FORMAT", "json"),
];

struct Run {
    cell: Cell,
    report: Result<Report>,
    time: Duration,
}

/// Fails unless every cell ran, kept the contract, and answered as the first one did.
pub fn check(postgres: &Postgres) -> Result<()> {
    let programs =
        Programs::build(&[Host::Native, Host::Spin, Host::Workers], Profile::Debug, true)?;
    let runs: Vec<Run> = Cell::all()
        .map(|cell| {
            let begun = Instant::now();
            let report = verify_one(cell, &programs, postgres);
            let time = begun.elapsed();
            eprintln!("{}", told(cell, &report));
            Run { cell, report, time }
        })
        .collect();
    let reports = runs.iter().filter_map(|run| {
        let report = run.report.as_ref().ok()?;
        Some((run.cell.to_string(), report))
    });
    let differences = differences::find(reports);
    eprint!("\n{}", table(&runs));
    for difference in &differences {
        eprintln!("{difference}");
    }
    let all_passed = runs.iter().all(|run| run.report.as_ref().is_ok_and(Report::passed));
    match (all_passed, differences.len()) {
        (true, 0) => Ok(()),
        (false, _) => Err("a cell did not run, or did not keep the contract".into()),
        (true, count) => {
            Err(format!("the cells' answers differ from the first's in {count} ways").into())
        }
    }
}

fn verify_one(cell: Cell, programs: &Programs, postgres: &Postgres) -> Result<Report> {
    let variables = VARIABLES.into_iter().chain([calls::MAY_BE_CALLED]);
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let options = Options { variables, ..Options::default() };
    let mut running = Running::start(cell, programs, Some(postgres), options)?;
    let mut options = trireme_verify::Options::new(&running.server.url())?;
    options.origin_allowed = Some(ORIGIN.to_owned());
    options.expect_production = Some(false);
    let trickle = (cell.host != Host::Native).then(|| bodies::trickle(running.server.port()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report =
        runtime.block_on(trireme_verify::run(options, trireme_tasks_checks::CHECKS, |_| {}));
    if !report.passed() {
        let log = running.server.log();
        let errors = log.lines().filter(|line| line.contains("ERROR") || line.contains("panic"));
        for line in errors.take(20) {
            eprintln!("{line}");
        }
    }
    // Before anything panics, which would answer it.
    if let Some(trickle) = trickle {
        trickle.join().expect("a client")?;
    }
    if cell.host != Host::Native {
        faults::check(cell, &running)?;
        bodies::check(running.server.port())?;
        calls::check(cell, running.server.port())?;
        texts::check(running.server.port())?;
        limits::check(cell, programs, postgres)?;
        outage::check(cell, programs)?;
    }
    if cell.host == Host::Workers {
        triggers::check(&mut running)?;
    }
    Ok(report)
}

/// What a person wants to know at once.
fn told(cell: Cell, report: &Result<Report>) -> String {
    match report {
        Ok(report) if report.passed() => format!("{cell}: kept the contract"),
        Ok(report) => format!("{cell}:\n{}", report.to_table(false)),
        Err(error) => format!("{cell} did not run: {error}"),
    }
}

fn table(runs: &[Run]) -> String {
    let rows: Vec<_> = runs
        .iter()
        .map(|run| {
            let [passed, failed, other] = match &run.report {
                Ok(report) => counts(report).map(|count| count.to_string()),
                Err(_) => ["0", "all", "0"].map(str::to_owned),
            };
            [run.cell.to_string(), passed, failed, other, ui::seconds(run.time)]
        })
        .collect();
    ui::table(["cell", "passed", "failed", "not applicable", "seconds"], &rows)
}

fn counts(report: &Report) -> [usize; 3] {
    let count =
        |is: fn(&Outcome) -> bool| report.results.iter().filter(|it| is(&it.outcome)).count();
    [
        count(|it| matches!(it, Outcome::Passed)),
        count(|it| matches!(it, Outcome::Failed(_))),
        count(|it| matches!(it, Outcome::NotApplicable { .. })),
    ]
}
