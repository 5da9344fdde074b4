use std::path::Path;
use std::time::Instant;

use serde_json::json;
use trireme_testbed::{Folder, Server, ServerOptions};

use crate::bench::Arguments;
use crate::bench::compare::Spread;
use crate::bench::fixture;
use crate::bench::programs::Programs;
use crate::bench::report::{Finding, Goal};
use crate::edge::Workspace;
use crate::tools::without_package;
use crate::{Result, root, ui};

const TIMES: usize = 3;

/// Warm: the dependencies are compiled, the product is not. Cold: nothing is, but all of it is
/// downloaded.
pub fn run(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    let warm = Workspace::read()?.target_directory;
    begin(programs, &warm)?;
    let times = (0..TIMES).map(|_| begin(programs, &warm)).collect::<Result<Vec<_>>>()?;
    let what = "from `new` to the first record";
    let mut findings =
        vec![Finding::new(format!("{what}, warm"), "s", Spread::of(times), Goal::AtMost(60.0))];
    if arguments.cold {
        let cold = Folder::new()?;
        let time = begin(programs, cold.path())?;
        findings.push(Finding::new(format!("{what}, cold"), "s", Spread::of([time]), Goal::None));
    }
    Ok(findings)
}

/// In seconds.
fn begin(programs: &Programs, target: &Path) -> Result<f64> {
    let folder = Folder::new()?;
    let begun = Instant::now();
    let mut new = without_package(programs.command());
    new.current_dir(folder.path()).env("CARGO_TARGET_DIR", target);
    ui::quietly(new.args(["new", "begun", "--trireme"]).arg(root()))?;
    let program = target.join("debug/begun");
    let server =
        Server::start(ServerOptions::new(program).env("DATABASE_URL", "sqlite://begun.sqlite3"))?;
    let account = fixture::register(&server)?;
    fixture::post(&server, "/api/v1/notes", &account.token, &json!({ "title": "First" }))?;
    Ok(begun.elapsed().as_secs_f64())
}
