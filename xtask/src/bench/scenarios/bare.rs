//! Trireme and the bare server, which sends the same statements, on one database.

use trireme_testbed::{PgBouncer, PoolMode, Server};

use crate::Result;
use crate::bench::Arguments;
use crate::bench::ask::Ask;
use crate::bench::programs::Programs;
use crate::bench::report::{Finding, Goal};
use crate::bench::stage::{POOL, Stage, bare};

/// What is asked, of both, and the goal.
pub fn same(
    arguments: &Arguments,
    programs: &Programs,
    asks: &[(Ask, f64)],
) -> Result<Vec<Finding>> {
    let stage = Stage::set(arguments, programs)?;
    let compare = |(ask, goal): &(Ask, f64)| {
        let name = ask.name();
        let (ours, theirs) = (stage.trireme(*ask), stage.bare("entered", *ask));
        let comparison = arguments.compare(name, &ours, &theirs)?;
        let what = format!("{name}, of bare with the same statements");
        Ok(Finding::of_comparison(&what, comparison, Goal::AtLeast(*goal)))
    };
    asks.iter().map(compare).collect()
}

/// One task by Trireme, and by the bare server that sends the one statement which fetches it.
pub fn alone(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    let stage = Stage::set(arguments, programs)?;
    let (ours, theirs) = (stage.trireme(Ask::Read), stage.bare("plain", Ask::Read));
    let comparison = arguments.compare("read alone", &ours, &theirs)?;
    let what = "read, of bare with the read alone";
    Ok(vec![Finding::of_comparison(what, comparison, Goal::AtLeast(0.8))])
}

/// What row-level security and entering its role cost: both sides are the bare server, both
/// prove that the session is alive.
pub fn rls(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    let stage = Stage::set(arguments, programs)?;
    let (with, without) = (stage.bare("entered", Ask::Read), stage.bare("checked", Ask::Read));
    let comparison = arguments.compare("rls", &with, &without)?;
    let what = "read with row-level security, of without";
    Ok(vec![Finding::of_comparison(what, comparison, Goal::AtLeast(0.8))])
}

/// Both through PgBouncer, which keeps as many connections to the server as each of them may have.
pub fn pooler(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    let stage = Stage::set(arguments, programs)?;
    let database = &stage.trireme.database;
    let pooler = PgBouncer::start(&stage.postgres, PoolMode::Transaction, POOL.parse()?)?;
    let url = pooler.url(database.name());
    let trireme = programs
        .trireme(&url)
        .env("DIRECT_DATABASE_URL", database.url())
        .env("DATABASE_POOL_MAX", POOL);
    let trireme = Server::start(trireme)?;
    let bare = Server::start(bare(programs, &url).env("UNPREPARED", "true"))?;
    let compare = |ask: Ask| {
        let ours = stage.trireme.target_at("trireme", &trireme, ask);
        let theirs = stage.bare_at("entered", &bare, ask);
        let comparison = arguments.compare(&format!("{} pooled", ask.name()), &ours, &theirs)?;
        let what = format!("{} through PgBouncer, of bare through it", ask.name());
        Ok(Finding::of_comparison(&what, comparison, Goal::AtLeast(0.9)))
    };
    [Ask::Read, Ask::Create].into_iter().map(compare).collect()
}
