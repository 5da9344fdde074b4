//! A product that is made and grown by the commands of docs/growing.md, as they stand there, and then
//! held to its checks on every host.

mod document;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use trireme_testbed::{Folder, Postgres, REQUIRE_ALL, SHARED_POSTGRES, Server, ServerOptions};

use self::document::Line;
use crate::cell::{Backend, Cell, Host, Options, Programs, Running};
use crate::edge::Workspace;
use crate::tools::{cargo, without_package};
use crate::{Result, root, ui};

/// Where the document's server is.
const ADDRESS: &str = "localhost:8000";

/// Fails unless the document's commands do what they say, and the product keeps its contract.
pub fn check() -> Result<()> {
    ui::run(cargo().args(["build", "--workspace", "--bin", "trireme"]))?;
    let target = Workspace::read()?.target_directory;
    let folder = Folder::new()?;
    let postgres = Postgres::start()?;
    let mut grown = Grown {
        trireme: copy(&target.join("debug/trireme"), folder.path())?,
        here: folder.path().to_owned(),
        target,
        postgres: postgres.superuser_url("postgres"),
        server: None,
    };
    let text = fs::read_to_string(root().join("docs/growing.md"))?;
    for line in document::lines(&text) {
        grown.follow(&line)?;
    }
    grown.server = None;
    grown.fails_without_a_trace()?;
    let command = grown.program();
    let programs = Programs::of_product(&grown.here, command)?;
    for (host, backend) in [(Host::Workers, Backend::Sqlite), (Host::Spin, Backend::Postgres)] {
        verify(Cell { host, backend }, &programs, &postgres)?;
    }
    Ok(())
}

/// Builds for the same folder would put another in its place while it runs.
fn copy(program: &Path, folder: &Path) -> Result<PathBuf> {
    let copied = folder.join("trireme");
    fs::copy(program, &copied)?;
    Ok(copied)
}

/// Where somebody who follows the document has come to.
struct Grown {
    trireme: PathBuf,
    here: PathBuf,
    target: PathBuf,
    postgres: String,
    server: Option<Server>,
}

impl Grown {
    /// The product's own program.
    fn program(&self) -> PathBuf {
        let name = self.here.file_name().unwrap_or_default();
        self.target.join("debug").join(name)
    }

    fn follow(&mut self, line: &Line<'_>) -> Result<()> {
        match line {
            Line::New(arguments) => ui::run(
                self.command(&self.trireme)
                    .arg("new")
                    .args(arguments.split_whitespace())
                    .arg("--trireme")
                    .arg(root()),
            ),
            Line::Enter(folder) => {
                self.here = self.here.join(folder);
                Ok(())
            }
            Line::Serve => {
                ui::run(self.command("cargo").arg("build"))?;
                let options = ServerOptions::new(self.program())
                    .env("DATABASE_URL", "sqlite://grown.sqlite3");
                self.server = Some(Server::start(options)?);
                Ok(())
            }
            Line::File(path, text) => Ok(fs::write(self.here.join(path), text)?),
            Line::Other(line) => {
                let line = match &self.server {
                    Some(server) => line.replace(ADDRESS, &format!("127.0.0.1:{}", server.port())),
                    None => (*line).to_owned(),
                };
                ui::run(self.command("sh").args(["-ec", &line]))
            }
        }
    }

    /// Where the product does not compile, nothing is written.
    fn fails_without_a_trace(&self) -> Result<()> {
        let [lists, broken] =
            ["src/notes/list.rs", "src/notes/get.rs"].map(|it| self.here.join(it));
        let whole = fs::read_to_string(&broken)?;
        fs::write(&broken, format!("{whole}\nfn none() -> u8 {{}}\n"))?;
        let before = fs::read_to_string(&lists)?;
        let mut add = self.command(self.program());
        let added = ui::quietly(add.args(["add", "field", "notes", "due:date?"]));
        let is_as_it_was = fs::read_to_string(&lists)? == before
            && !self.here.join("migrations/sqlite/1006_notes_due.sql").exists()
            && !self.here.join(".trireme-grow").exists();
        fs::write(&broken, whole)?;
        match added {
            Err(_) if is_as_it_was => Ok(()),
            _ => Err("a field was added to what does not compile".into()),
        }
    }

    /// In the product's folder, with the dependencies that were built for this workspace.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = without_package(program);
        command
            .current_dir(&self.here)
            .env("CARGO_TARGET_DIR", &self.target)
            .env(SHARED_POSTGRES, &self.postgres)
            .env(REQUIRE_ALL, "1");
        command
    }
}

/// The product's checks, by its own command.
fn verify(cell: Cell, programs: &Programs, postgres: &Postgres) -> Result<()> {
    let variables = [
        ("JWT_SECRET", "k9dJ2mQx7vLr4TzYw8NbHc5GfPs3AeRu"),
        ("BCRYPT_COST", "4"),
        ("RATE_LIMIT_AUTH_PER_ADDRESS", "300/60s"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let options = Options { variables, ..Options::default() };
    let running = Running::start(cell, programs, Some(postgres), options)?;
    let verified = ui::run(Command::new(&programs.trireme).arg("verify").arg(running.server.url()));
    if verified.is_err() {
        let log = running.server.log();
        log.lines().filter(|line| line.contains("ERROR")).take(20).for_each(|it| eprintln!("{it}"));
    }
    verified.map_err(|error| format!("{cell}: {error}").into())
}
