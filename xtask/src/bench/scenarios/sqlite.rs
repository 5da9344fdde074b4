use trireme_testbed::{Folder, Server};

use crate::Result;
use crate::bench::programs::{Programs, sqlite_url, target};
use crate::bench::report::{Finding, Goal};
use crate::bench::wrk::Target;
use crate::bench::{Arguments, fixture};

/// One task in a file of SQLite's by Trireme, and by the bare server that calls rusqlite on the
/// request's own thread: with the same statements, and with the read alone.
pub fn run(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    let folder = Folder::new()?;
    let trireme = Server::start(programs.trireme_on_sqlite(&folder))?;
    let account = fixture::register(&trireme)?;
    let task = fixture::create_task(&trireme, &account)?;
    let ids = format!("{}/{}/{task}", account.user, fixture::session(&trireme, &account)?);
    let bare = Server::start(programs.bare().env("DATABASE_URL", sqlite_url(&folder)))?;
    let ours = Target {
        token: Some(account.token),
        ..target("trireme", &trireme, &format!("/api/v1/tasks/{task}"))
    };
    let compare = |(manner, says, goal)| {
        let theirs = target(manner, &bare, &format!("/tasks/{manner}/{ids}"));
        let comparison = arguments.compare("sqlite", &ours, &theirs)?;
        let what = format!("read on SQLite, of bare with {says}");
        Ok(Finding::of_comparison(&what, comparison, goal))
    };
    let manners = [
        ("entered", "the same statements", Goal::AtLeast(0.8)),
        ("plain", "the read alone", Goal::None),
    ];
    manners.into_iter().map(compare).collect()
}
