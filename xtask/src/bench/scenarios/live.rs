use trireme_testbed::{Folder, Server};

use crate::Result;
use crate::bench::Arguments;
use crate::bench::programs::{Programs, target};
use crate::bench::report::{Finding, Goal};

/// What routing, middleware and headers cost: neither server touches anything else.
pub fn run(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    let folder = Folder::new()?;
    let trireme = Server::start(programs.trireme_on_sqlite(&folder))?;
    let bare = Server::start(programs.bare())?;
    let comparison = arguments.compare(
        "live",
        &target("trireme", &trireme, "/health/live"),
        &target("bare", &bare, "/health/live"),
    )?;
    let what = "`/health/live`, of bare";
    Ok(vec![Finding::of_comparison(what, comparison, Goal::AtLeast(0.95))])
}
