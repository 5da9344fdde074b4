//! This checkout and another revision of it, in turn.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use trireme_testbed::{Folder, Postgres, Server};

use super::ask::Ask;
use super::programs::{Programs, target, target_folder};
use super::report::{Finding, Goal};
use super::scenarios::Scenario;
use super::stage::Trireme;
use super::{Arguments, Result};
use crate::tools::cargo;
use crate::{root, ui};

/// Each ratio is that of this checkout's requests a second by the revision's.
pub fn run(arguments: &Arguments, programs: &Programs, revision: &str) -> Result<Vec<Finding>> {
    let commit = git(&["rev-parse", "--verify", "--short=12", &format!("{revision}^{{commit}}")])?;
    let theirs = programs.with_trireme(build(&commit)?);
    let title = |name: &str| format!("{name}, of {commit}");
    let mut findings = Vec::new();
    if arguments.wants(Scenario::Live) {
        ui::heading("live");
        let folders = [Folder::new()?, Folder::new()?];
        let ours = Server::start(programs.trireme_on_sqlite(&folders[0]))?;
        let theirs = Server::start(theirs.trireme_on_sqlite(&folders[1]))?;
        let path = "/health/live";
        let (this, that) = (target("this", &ours, path), target("that", &theirs, path));
        let comparison = arguments.compare("live", &this, &that)?;
        findings.push(Finding::of_comparison(&title(path), comparison, Goal::None));
    }
    let asks = Scenario::ASKS.iter().filter(|(scenario, _)| arguments.wants(*scenario));
    let asks = asks.flat_map(|(_, asks)| *asks).map(|(ask, _)| *ask).collect::<Vec<Ask>>();
    if !asks.is_empty() {
        ui::heading("on PostgreSQL");
        let postgres = Postgres::start()?;
        let ours = Trireme::start(arguments, programs, &postgres)?;
        let theirs = Trireme::start(arguments, &theirs, &postgres)?;
        for ask in asks {
            let (this, that) = (ours.target("this", ask), theirs.target("that", ask));
            let comparison = arguments.compare(ask.name(), &this, &that)?;
            findings.push(Finding::of_comparison(&title(ask.name()), comparison, Goal::None));
        }
    }
    Ok(findings)
}

/// The revision's `trireme`, built in a worktree and a target folder of its own, once a commit.
fn build(commit: &str) -> Result<PathBuf> {
    let folder = target_folder()?.join("against");
    let program = folder.join(format!("trireme-{commit}"));
    if program.is_file() {
        return Ok(program);
    }
    fs::create_dir_all(&folder)?;
    let (tree, built) = (folder.join("tree"), folder.join("target"));
    let tree_text = tree.display().to_string();
    // One that was left behind by a build that failed.
    let _ = git(&["worktree", "remove", "--force", &tree_text]);
    git(&["worktree", "add", "--force", "--detach", &tree_text, commit])?;
    let mut build = cargo();
    build.current_dir(&tree).args(["build", "--release", "--locked", "--bin", "trireme"]);
    ui::run(build.arg("--target-dir").arg(&built))?;
    fs::copy(built.join("release/trireme"), &program)?;
    git(&["worktree", "remove", "--force", &tree_text])?;
    Ok(program)
}

/// What git prints.
pub fn git(arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").args(arguments).current_dir(root()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`git {}`: {}", arguments.join(" "), said.trim()).into())
}
