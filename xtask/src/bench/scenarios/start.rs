use std::time::Duration;

use trireme_testbed::{Folder, Server};

use crate::Result;
use crate::bench::compare::Spread;
use crate::bench::programs::Programs;
use crate::bench::report::{Finding, Goal};

const STARTS: usize = 21;

/// The first start makes the schema; the others find it there, as a restart does.
pub fn run(programs: &Programs) -> Result<Vec<Finding>> {
    let folder = Folder::new()?;
    let start = || -> Result<f64> {
        let server =
            Server::start(programs.trireme_on_sqlite(&folder).timeout(Duration::from_secs(10)))?;
        Ok(server.started_in().as_secs_f64() * 1000.0)
    };
    let first = start()?;
    let others = (0..STARTS).map(|_| start()).collect::<Result<Vec<_>>>()?;
    Ok(vec![
        Finding::new("start with an empty database", "ms", Spread::of([first]), Goal::None),
        Finding::new("start", "ms", Spread::of(others), Goal::AtMost(50.0)),
    ])
}
