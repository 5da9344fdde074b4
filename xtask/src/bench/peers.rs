//! Other stacks with the same task, database and token (bench/peers): what a team might have
//! written instead. They check the token and send the one statement, and nothing more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use trireme_testbed::ServerOptions;

use super::programs::target_folder;
use super::report::Goal;
use crate::tools::cargo;
use crate::{Result, npm, root, ui};

#[derive(Clone, Copy, PartialEq)]
pub enum Peer {
    /// As sqlx comes: it asks a connection whether it lives before each use.
    Axum,
    /// Without that.
    AxumUntested,
    FastApi,
    Hono,
}

const FOLDER: &str = "bench/peers";

impl Peer {
    /// With the goal: so many times a peer's requests a second.
    pub const ALL: [(Self, Goal); 4] = [
        (Self::Axum, Goal::AtLeast(1.15)),
        (Self::AxumUntested, Goal::None),
        (Self::FastApi, Goal::AtLeast(5.0)),
        (Self::Hono, Goal::AtLeast(2.0)),
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Axum => "axum and sqlx",
            Self::AxumUntested => "axum and sqlx that tests no connection",
            Self::FastApi => "FastAPI and asyncpg",
            Self::Hono => "Hono and pg",
        }
    }

    /// Installs or builds it, from pinned versions, and tells how it is started: on all cores.
    pub fn prepare(self) -> Result<ServerOptions> {
        let built = target_folder()?.join("peers");
        fs::create_dir_all(&built)?;
        let cores = thread::available_parallelism()?.to_string();
        Ok(match self {
            Self::Axum | Self::AxumUntested => {
                let tested = (self == Self::Axum).to_string();
                ServerOptions::new(axum(&built)?).env("TEST_BEFORE_ACQUIRE", tested)
            }
            Self::FastApi => {
                let script = root().join(FOLDER).join("fastapi/main.py");
                ServerOptions::new(fastapi(&built)?)
                    .env("PYTHONDONTWRITEBYTECODE", "1")
                    .env("WORKERS", cores)
                    .arguments([script.display().to_string()])
            }
            Self::Hono => {
                npm::install("bench/peers/hono")?;
                let script = root().join(FOLDER).join("hono/main.js");
                ServerOptions::new(trireme_testbed::find_program("node")?)
                    .env("NODE_ENV", "production")
                    .arguments([script.display().to_string()])
            }
        })
    }
}

fn axum(built: &Path) -> Result<PathBuf> {
    let folder = root().join(FOLDER).join("axum");
    let mut build = cargo();
    build.current_dir(folder).args(["build", "--release", "--locked"]);
    ui::run(build.arg("--target-dir").arg(built.join("axum")))?;
    Ok(built.join("axum/release/peer-axum"))
}

/// Into an environment of its own; Python 3.11 or later has to be there.
fn fastapi(built: &Path) -> Result<PathBuf> {
    let (folder, list) =
        (built.join("fastapi"), root().join(FOLDER).join("fastapi/requirements.txt"));
    let (installed, wanted) = (folder.join("installed.txt"), fs::read(&list)?);
    if fs::read(&installed).ok().as_ref() != Some(&wanted) {
        ui::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut pip = Command::new(folder.join("bin/pip"));
        ui::run(pip.args(["install", "--quiet", "--requirement"]).arg(&list))?;
        fs::write(installed, wanted)?;
    }
    Ok(folder.join("bin/python"))
}
