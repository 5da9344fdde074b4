mod begin;
mod edge;
mod list;
mod live;
mod memory;
mod read;
mod start;

use clap::ValueEnum;

use super::programs::Programs;
use super::report::Finding;
use super::{Arguments, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// GET /health/live of Trireme and of the bare server
    Live,
    /// From the start of the process to its first 200, on SQLite
    Start,
    /// Resident memory when idle, on SQLite
    Memory,
    /// One task by Trireme and by the bare server, on PostgreSQL
    Read,
    /// The bare server's read with row-level security and without
    Rls,
    /// 20 of a million tasks and 20 of a thousand, on PostgreSQL
    List,
    /// The Worker: size, cold start, reads on D1 and PostgreSQL
    Workers,
    /// Spin's component: size, and requests a second of those that only say hello
    Spin,
    /// From `trireme new` to the first record of a new product over HTTP
    Begin,
}

impl Scenario {
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
            Self::Memory => memory::run(programs),
            Self::Read => read::read(arguments, programs),
            Self::Rls => read::rls(arguments, programs),
            Self::List => list::run(arguments, programs),
            Self::Workers => edge::workers(arguments),
            Self::Spin => edge::spin(arguments),
            Self::Begin => begin::run(arguments, programs),
        }
    }
}
