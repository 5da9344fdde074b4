//! Starting a cell on a database of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use trireme_testbed::{Database, Folder, Postgres, Server, ServerOptions, free_port};

use super::programs::{Programs, Spin};
use super::{Backend, Cell, Host};
use crate::{Result, root, ui};

/// A cell that answers; ended, with its database, on drop.
pub struct Running {
    pub server: Server,
    database: Option<Database>,
    _folder: Option<Folder>,
}

/// What a caller may choose.
#[derive(Default)]
pub struct Options {
    /// A PostgreSQL URL, or for the native host any, instead of a throw-away database.
    pub database_url: Option<String>,
    /// The contract's variables.
    pub variables: Vec<(String, String)>,
    pub port: Option<u16>,
    /// Workers without Hyperdrive: a socket to the server.
    pub direct: bool,
    /// Shows what the host writes, instead of keeping it in [`Server::log`].
    pub show_log: bool,
}

impl Running {
    /// The throw-away database on PostgreSQL, where there is one.
    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// `postgres` is asked for a database where one is needed and none is given.
    pub fn start(
        cell: Cell,
        programs: &Programs,
        postgres: Option<&Postgres>,
        options: Options,
    ) -> Result<Self> {
        let (database, url) = match (cell.backend, options.database_url) {
            (Backend::Postgres, None) => {
                let postgres = postgres.ok_or("this cell needs a PostgreSQL server")?;
                let database = Database::create(postgres)?;
                let url = database.url();
                (Some(database), Some(url))
            }
            (_, given) => (None, given),
        };
        let port = options.port.map_or_else(free_port, Ok)?;
        let (command, folder) = match cell.host {
            Host::Native => native(programs, url.as_deref()),
            Host::Workers => (workers(programs, url.as_deref(), port, options.direct)?, None),
            Host::Spin => {
                let (command, folder) = spin(programs, url.as_deref(), port)?;
                (command, Some(folder))
            }
        };
        let prefix = if cell.host == Host::Spin { "SPIN_VARIABLE_" } else { "" };
        let variables = options.variables.iter();
        let server = variables
            .fold(command, |command, (name, value)| command.env(format!("{prefix}{name}"), value))
            .port(port)
            .show_log(options.show_log);
        Ok(Self { server: Server::start(server)?, database, _folder: folder })
    }
}

/// It migrates by itself; its file of SQLite is in the server's own folder.
fn native(programs: &Programs, url: Option<&str>) -> (ServerOptions, Option<Folder>) {
    let url = url.unwrap_or("sqlite://trireme.sqlite3");
    (ServerOptions::new(&programs.trireme).env("DATABASE_URL", url), None)
}

fn workers(
    programs: &Programs,
    url: Option<&str>,
    port: u16,
    direct: bool,
) -> Result<ServerOptions> {
    let folder = programs.worker.as_ref().ok_or("the Worker was not built")?;
    let script = root().join("worker-host/serve.mjs");
    let port = port.to_string();
    let [script, folder, migrations] =
        [&script, folder, &programs.migrations].map(|path| path.to_string_lossy());
    let arguments =
        [&*script, &*folder, "--port", &port, "--migrations", &*migrations].map(str::to_owned);
    let node = ServerOptions::new("node").arguments(arguments);
    Ok(match url {
        Some(url) if direct => {
            migrate(programs, url)?;
            node.env("DATABASE_URL", url)
        }
        Some(url) => {
            migrate(programs, url)?;
            node.env("DATABASE_URL", "hyperdrive://HYPERDRIVE").env("HYPERDRIVE_URL", url)
        }
        None => node.env("DATABASE_URL", "d1://DB"),
    })
}

/// The manifest is copied, so that it names what was built just now, and so that Spin keeps its
/// state beside the copy.
fn spin(programs: &Programs, url: Option<&str>, port: u16) -> Result<(ServerOptions, Folder)> {
    let Spin { component, manifest: original, command } =
        programs.spin.as_ref().ok_or("Spin's component was not built")?;
    let folder = Folder::new()?;
    let manifest = folder.path().join("spin.toml");
    fs::write(&manifest, with_source(&fs::read_to_string(original)?, component)?)?;
    let state = folder.path().join(".spin");
    fs::create_dir(&state)?;
    let sqlite = format!("sqlite://{}", state.join("sqlite_db.db").display());
    migrate(programs, url.unwrap_or(&sqlite))?;
    let listen = format!("127.0.0.1:{port}");
    let arguments = ["up", "--from", &*manifest.to_string_lossy(), "--listen", &listen];
    let options = ServerOptions::new(command)
        .arguments(arguments)
        .env("SPIN_VARIABLE_DATABASE_URL", url.unwrap_or("spin://default"));
    Ok((options, folder))
}

fn with_source(manifest: &str, component: &Path) -> Result<String> {
    let source = manifest.lines().find(|line| line.starts_with("source = "));
    let source = source.ok_or("spin.toml has no line that begins with `source = `")?;
    Ok(manifest.replace(source, &format!("source = \"{}\"", component.display())))
}

/// The edges don't migrate by themselves.
fn migrate(programs: &Programs, url: &str) -> Result<()> {
    ui::quietly(Command::new(&programs.trireme).arg("migrate").env("DATABASE_URL", url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_names_what_was_built() {
        let manifest = fs::read_to_string(root().join("spin.toml")).unwrap();
        let copy = with_source(&manifest, Path::new("/built/component.wasm")).unwrap();
        assert!(copy.contains("source = \"/built/component.wasm\"\n"));
        assert_eq!(copy.lines().count(), manifest.lines().count());
        assert!(with_source("[application]", Path::new("x")).is_err());
    }
}
