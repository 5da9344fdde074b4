mod bare;
mod begin;
mod edge;
mod live;
mod login;
mod memory;
mod peers;
mod rows;
mod sqlite;
mod start;
mod tails;

use clap::ValueEnum;

use super::ask::Ask;
use super::programs::Programs;
use super::report::Finding;
use super::{Arguments, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// GET /health/live of Trireme and of the bare server
    Live,
    /// From the start of the process to its first 200, on SQLite
    Start,
    /// Resident memory when idle, with idle connections, and with busy ones
    Memory,
    /// One task by Trireme and by the bare server with the same statements, on PostgreSQL
    Read,
    /// One task by Trireme, and by the bare server with the read alone
    Alone,
    /// 20 tasks, likewise with the same statements
    List,
    /// A new task, with an Idempotency-Key and without, likewise
    Create,
    /// A task changed under If-Match, likewise
    Patch,
    /// One task by Trireme and by axum, FastAPI and Hono (bench/peers), on PostgreSQL
    Peers,
    /// Reading and creating through PgBouncer, by Trireme and by the bare server
    Pooler,
    /// One task on SQLite by Trireme, and by the bare server that calls rusqlite
    Sqlite,
    /// Signing in, of bcrypt alone; and what reads beside it take
    Login,
    /// The slowest reads at a constant rate, by Trireme and by the bare server
    Tails,
    /// Reading, listing and creating with very many tasks (--rows) and with a thousand
    Rows,
    /// The bare server's read with row-level security and without
    Rls,
    /// The Worker: size, cold start, reads on D1 and PostgreSQL
    Workers,
    /// Spin's component: size, and requests a second of those that only say hello
    Spin,
    /// From `trireme new` to the first record of a new product over HTTP
    Begin,
}

impl Scenario {
    /// Scenarios that are made of what is asked, and the goals against the bare server.
    pub const ASKS: [(Self, &'static [(Ask, f64)]); 4] = [
        (Self::Read, &[(Ask::Read, 0.95)]),
        (Self::List, &[(Ask::List, 0.9)]),
        (Self::Create, &[(Ask::Create, 0.9), (Ask::CreateKeyed, 0.9)]),
        (Self::Patch, &[(Ask::Patch, 0.9)]),
    ];

    /// Its name and what the help says of it.
    pub fn title(self) -> String {
        let value = self.to_possible_value().expect("every scenario can be chosen");
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        format!("{}: {help}", value.get_name())
    }

    pub fn run(self, arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
        match self {
            Self::Live => live::run(arguments, programs),
            Self::Start => start::run(programs),
            Self::Memory => memory::run(arguments, programs),
            Self::Read | Self::List | Self::Create | Self::Patch => {
                let asks = Self::ASKS.iter().filter(|(scenario, _)| *scenario == self);
                let asks = asks.flat_map(|(_, asks)| *asks).copied().collect::<Vec<_>>();
                bare::same(arguments, programs, &asks)
            }
            Self::Alone => bare::alone(arguments, programs),
            Self::Peers => peers::run(arguments, programs),
            Self::Pooler => bare::pooler(arguments, programs),
            Self::Sqlite => sqlite::run(arguments, programs),
            Self::Login => login::run(arguments, programs),
            Self::Tails => tails::run(arguments, programs),
            Self::Rows => rows::run(arguments, programs),
            Self::Rls => bare::rls(arguments, programs),
            Self::Workers => edge::workers(arguments),
            Self::Spin => edge::spin(arguments),
            Self::Begin => begin::run(arguments, programs),
        }
    }
}
