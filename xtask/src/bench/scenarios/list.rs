use trireme_testbed::{Database, Postgres, Server};

use crate::Result;
use crate::bench::programs::{Programs, target};
use crate::bench::report::{Finding, Goal};
use crate::bench::wrk::Target;
use crate::bench::{Arguments, fixture};

const MANY: u32 = 1_000_000;
const FEW: u32 = 1_000;

/// A page of one's own tasks has to cost the same however many there are.
pub fn run(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    let postgres = Postgres::start()?;
    let many = Side::start(&postgres, programs, MANY)?;
    let few = Side::start(&postgres, programs, FEW)?;
    let comparison =
        arguments.compare("list", &many.target("10⁶ rows"), &few.target("10³ rows"))?;
    let latency = Finding::new(
        "list of 10⁶ rows, of 10³: latency",
        "",
        comparison.latency,
        Goal::AtMost(1.2),
    );
    let mut findings =
        Finding::of_comparison("list of 10⁶ rows, of 10³", comparison, Goal::AtLeast(0.85));
    findings.push(latency);
    Ok(findings)
}

/// The fields drop in this order: the server ends before its database goes.
struct Side {
    server: Server,
    token: String,
    _database: Database,
}

impl Side {
    fn start(postgres: &Postgres, programs: &Programs, rows: u32) -> Result<Self> {
        let database = Database::create(postgres)?;
        let server = Server::start(programs.trireme(&database.url()))?;
        let account = fixture::register(&server)?;
        fixture::seed_tasks(&database, &account, rows)?;
        Ok(Self { server, token: account.token, _database: database })
    }

    fn target(&self, name: &'static str) -> Target {
        Target {
            token: Some(self.token.clone()),
            ..target(name, &self.server, "/api/v1/tasks?limit=20")
        }
    }
}
