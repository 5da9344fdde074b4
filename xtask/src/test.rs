use std::time::{Duration, Instant};

use clap::ValueEnum;
use trireme_testbed::{Postgres, REQUIRE_ALL, SHARED_POSTGRES};

use crate::tools::cargo;
use crate::{Result, attacks, deny, edge, grown, page, parity, setup, ui};

/// Run everything that has to pass before a change lands
///
/// First installs what is missing (see `cargo xtask setup`), then runs these steps and stops
/// at the first that fails: fmt, clippy, deny (licences, bans, sources, and advisories when
/// their database can be reached), doc, test, cells (the black-box suite on native, Workers and
/// Spin, each on SQLite and PostgreSQL, and their answers compared), grown (a product made by the commands of docs/growing.md, and its checks), attacks (each in its smallest form, against
/// the real process), page (/docs in Chromium, and frontends of other origins). The tests share one throw-away PostgreSQL, named by TRIREME_TEST_POSTGRES, and none may be skipped (TRIREME_TEST_REQUIRE_ALL). While
/// you work, plain `cargo test -p CRATE` does too: it starts a PostgreSQL when a test asks.
#[derive(clap::Args)]
pub struct Arguments {
    /// Run this step alone; may be given more than once
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
    /// Take what is installed as it is
    #[arg(long)]
    no_setup: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Installs what is missing
    Setup,
    /// rustfmt agrees
    Fmt,
    /// No lint, in any crate or test
    Clippy,
    /// Licences, bans, sources, advisories
    Deny,
    /// The documentation builds without warnings
    Doc,
    /// Every test, none skipped
    Test,
    /// The black-box suite on all six cells, and their answers compared
    Cells,
    /// A product begun and grown by the commands of docs/growing.md, on every host
    Grown,
    /// What attackers try, and the bound that each meets
    Attacks,
    /// The page at /docs in a browser, and frontends of a listed and an unlisted origin
    Page,
}

impl Step {
    fn run(self) -> Result<()> {
        match self {
            Self::Setup => setup::run(&setup::Arguments::default()),
            Self::Fmt => ui::run(cargo().args(["fmt", "--all", "--check"])),
            Self::Clippy => clippy(),
            Self::Deny => deny::check(),
            Self::Test => test(),
            Self::Cells => parity::check(&Postgres::start()?),
            Self::Grown => grown::check(),
            Self::Attacks => attacks::run(),
            Self::Page => page::run(),
            Self::Doc => ui::run(
                cargo()
                    .args(["doc", "--workspace", "--no-deps"])
                    .env("RUSTDOCFLAGS", "-D warnings"),
            ),
        }
    }

    /// The steps to take, in their order whatever the order of the arguments.
    fn chosen(arguments: &Arguments) -> Vec<Self> {
        let wanted = |step: &Self| match step {
            Self::Setup if arguments.no_setup => false,
            Self::Setup => true,
            _ => arguments.only.is_empty() || arguments.only.contains(step),
        };
        Self::value_variants().iter().copied().filter(wanted).collect()
    }
}

fn clippy() -> Result<()> {
    let everything = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    ui::run(cargo().args(everything))?;
    edge::clippy()
}

fn test() -> Result<()> {
    let probe = edge::build_probe()?;
    let postgres = Postgres::start()?;
    eprintln!("a throw-away PostgreSQL listens on port {}", postgres.port());
    ui::run(
        cargo()
            .args(["test", "--workspace", "--no-fail-fast"])
            .env("TRIREME_TEST_SPIN_PROBE", probe)
            .env(SHARED_POSTGRES, postgres.superuser_url("postgres"))
            .env(REQUIRE_ALL, "1"),
    )
}

/// Whether every step passed.
pub fn run(arguments: &Arguments) -> bool {
    let mut outcomes = Vec::new();
    for step in Step::chosen(arguments) {
        let name = format!("{step:?}").to_lowercase();
        ui::heading(&name);
        let begun = Instant::now();
        let outcome = step.run();
        outcomes.push((name, outcome.is_ok(), begun.elapsed()));
        if let Err(error) = outcome {
            eprintln!("error: {error}");
            break;
        }
    }
    ui::heading("summary");
    eprint!("{}", summary(&outcomes));
    outcomes.iter().all(|(_, passed, _)| *passed)
}

fn summary(outcomes: &[(String, bool, Duration)]) -> String {
    let verdict = |passed| if passed { "passed" } else { "FAILED" }.to_owned();
    let total = outcomes.iter().map(|(_, _, time)| *time).sum();
    let passed = outcomes.iter().all(|(_, passed, _)| *passed);
    let rows = outcomes
        .iter()
        .map(|(name, passed, time)| [name.clone(), verdict(*passed), ui::seconds(*time)])
        .chain([["all".to_owned(), verdict(passed), ui::seconds(total)]])
        .collect::<Vec<_>>();
    ui::table(["step", "result", "seconds"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_alone_still_gets_its_setup() {
        let only =
            |only: &[Step], no_setup| Step::chosen(&Arguments { only: only.to_vec(), no_setup });
        assert_eq!(only(&[Step::Doc, Step::Fmt], false), [Step::Setup, Step::Fmt, Step::Doc]);
        assert_eq!(only(&[Step::Test], true), [Step::Test]);
        assert_eq!(only(&[], false), Step::value_variants());
    }

    #[test]
    fn a_failed_step_shows_in_the_summary() {
        let outcomes = [("fmt", true), ("test", false)]
            .map(|(name, passed)| (name.to_owned(), passed, Duration::from_millis(1500)));
        let expected =
            "step  result  seconds\nfmt   passed  1.5\ntest  FAILED  1.5\nall   FAILED  3.0\n";
        assert_eq!(summary(&outcomes), expected);
    }
}
