use trireme_testbed::Postgres;

use crate::Result;
use crate::bench::Arguments;
use crate::bench::ask::Ask;
use crate::bench::programs::Programs;
use crate::bench::report::{Finding, Goal};
use crate::bench::stage::{FEW, Trireme};

/// One's own tasks have to cost the same however many there are.
pub fn run(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    let postgres = Postgres::start()?;
    let few = Trireme::with_rows(arguments, programs, &postgres, FEW)?;
    let many = Trireme::with_rows(arguments, programs, &postgres, arguments.rows)?;
    let rows = arguments.rows;
    let compare = |ask: Ask| {
        let comparison =
            arguments.compare(ask.name(), &many.target("many", ask), &few.target("few", ask))?;
        let what = format!("{} with {rows} rows, of {FEW}", ask.name());
        Ok(Finding::of_comparison(&what, comparison, Goal::AtLeast(0.9)))
    };
    [Ask::ReadAny, Ask::List, Ask::Create].into_iter().map(compare).collect()
}
