use trireme_testbed::{Database, Postgres, Server};

use crate::Result;
use crate::bench::programs::{Programs, target};
use crate::bench::report::{Finding, Goal};
use crate::bench::wrk::Target;
use crate::bench::{Arguments, fixture};

/// Of Trireme and of the bare server, each: as many as keep both cores and PostgreSQL busy.
const POOL: &str = "16";

/// One task read by Trireme, by the bare server with the same statements, and by the bare
/// server with the one statement that fetches the task.
pub fn read(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    let stage = Stage::set(programs)?;
    let trireme = stage.trireme();
    let same = arguments.compare("read, same statements", &trireme, &stage.bare("entered"))?;
    let plain = arguments.compare("read, the read alone", &trireme, &stage.bare("plain"))?;
    let mut findings =
        Finding::of_comparison("read, of bare with the same statements", same, Goal::AtLeast(0.85));
    findings.extend(Finding::of_comparison(
        "read, of bare with the read alone",
        plain,
        Goal::AtLeast(0.6),
    ));
    Ok(findings)
}

/// What row-level security and entering its role cost: both sides are the bare server, both
/// prove that the session is alive.
pub fn rls(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    let stage = Stage::set(programs)?;
    let comparison = arguments.compare("rls", &stage.bare("entered"), &stage.bare("checked"))?;
    Ok(Finding::of_comparison(
        "read with row-level security, of without",
        comparison,
        Goal::AtLeast(0.8),
    ))
}

/// One task in one database, and both servers on it.
///
/// The fields drop in this order: the servers end before their database goes.
struct Stage {
    trireme: Server,
    bare: Server,
    task: String,
    token: String,
    ids: String,
    _database: Database,
    _postgres: Postgres,
}

impl Stage {
    fn set(programs: &Programs) -> Result<Self> {
        let postgres = Postgres::start()?;
        let database = Database::create(&postgres)?;
        let trireme =
            Server::start(programs.trireme(&database.url()).env("DATABASE_POOL_MAX", POOL))?;
        let account = fixture::register(&trireme)?;
        let task = fixture::create_task(&trireme, &account)?;
        let session = database.run("SELECT id FROM sessions")?;
        database.run(include_str!("../../../../bench/check_user.sql"))?;
        let bare =
            programs.bare().env("DATABASE_URL", database.url()).env("DATABASE_POOL_MAX", POOL);
        Ok(Self {
            trireme,
            bare: Server::start(bare)?,
            ids: format!("{}/{session}/{task}", account.user),
            task,
            token: account.token,
            _database: database,
            _postgres: postgres,
        })
    }

    fn trireme(&self) -> Target {
        let path = format!("/api/v1/tasks/{}", self.task);
        Target { token: Some(self.token.clone()), ..target("trireme", &self.trireme, &path) }
    }

    /// `manner` is one of those that the bare server knows.
    fn bare(&self, manner: &'static str) -> Target {
        target(manner, &self.bare, &format!("/read/{manner}/{}", self.ids))
    }
}
