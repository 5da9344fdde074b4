//! Servers with tasks to ask for.

use trireme_testbed::{Database, Postgres, Server, ServerOptions};

use super::ask::{Ask, Tasks};
use super::fixture::{self, Account};
use super::programs::{Programs, target};
use super::wrk::Target;
use super::{Arguments, Result};

/// Of each server: as many as keep all cores and PostgreSQL busy.
pub const POOL: &str = "16";
/// So many tasks a user has beside those that are asked for.
pub const FEW: u32 = 1_000;

/// Trireme on a database of its own on PostgreSQL, with a user and tasks.
///
/// The fields drop in this order: the server ends before its database goes.
pub struct Trireme {
    pub server: Server,
    pub account: Account,
    pub tasks: Tasks,
    pub database: Database,
}

impl Trireme {
    pub fn start(arguments: &Arguments, programs: &Programs, postgres: &Postgres) -> Result<Self> {
        Self::with_rows(arguments, programs, postgres, FEW)
    }

    pub fn with_rows(
        arguments: &Arguments,
        programs: &Programs,
        postgres: &Postgres,
        rows: u32,
    ) -> Result<Self> {
        let database = Database::create(postgres)?;
        let options = programs.trireme(&database.url()).env("DATABASE_POOL_MAX", POOL);
        let server = Server::start(options)?;
        let account = fixture::register(&server)?;
        fixture::seed_tasks(&database, &account, rows)?;
        let any = database.run("SELECT id FROM tasks ORDER BY random() LIMIT 1000")?;
        let any = any.lines().map(str::to_owned).collect();
        let own = (0..arguments.connections).map(|_| fixture::create_task(&server, &account));
        let tasks = Tasks { own: own.collect::<Result<_>>()?, any };
        Ok(Self { server, account, tasks, database })
    }

    pub fn target(&self, name: &'static str, ask: Ask) -> Target {
        self.target_at(name, &self.server, ask)
    }

    /// Of another server on the same database.
    pub fn target_at(&self, name: &'static str, server: &Server, ask: Ask) -> Target {
        let (path, script) = ask.of(&self.tasks);
        let token = Some(self.account.token.clone());
        Target { token, script, ..target(name, server, &format!("/api/v1/tasks{path}")) }
    }
}

/// Trireme and the bare server, on one database.
///
/// The fields drop in this order: the servers end before their database goes.
pub struct Stage {
    pub bare: Server,
    pub trireme: Trireme,
    session: String,
    pub postgres: Postgres,
}

impl Stage {
    pub fn set(arguments: &Arguments, programs: &Programs) -> Result<Self> {
        let postgres = Postgres::start()?;
        let trireme = Trireme::start(arguments, programs, &postgres)?;
        trireme.database.run(include_str!("../../../bench/check_user.sql"))?;
        let bare = Server::start(bare(programs, &trireme.database.url()))?;
        let session = fixture::session(&trireme.server, &trireme.account)?;
        Ok(Self { bare, trireme, session, postgres })
    }

    pub fn trireme(&self, ask: Ask) -> Target {
        self.trireme.target("trireme", ask)
    }

    /// `manner` is one of those that the bare server knows.
    pub fn bare(&self, manner: &'static str, ask: Ask) -> Target {
        self.bare_at(manner, &self.bare, ask)
    }

    /// Of another server on the same database.
    pub fn bare_at(&self, manner: &'static str, server: &Server, ask: Ask) -> Target {
        let (path, script) = ask.of(&self.trireme.tasks);
        let user = &self.trireme.account.user;
        let path = format!("/tasks/{manner}/{user}/{}{path}", self.session);
        Target { script, ..target(manner, server, &path) }
    }
}

/// The bare server on a database.
pub fn bare(programs: &Programs, url: &str) -> ServerOptions {
    programs.bare().env("DATABASE_URL", url).env("DATABASE_POOL_MAX", POOL)
}
