mod list;
mod live;
mod memory;
mod start;

use clap::ValueEnum;

use super::programs::Programs;
use super::report::Finding;
use super::{Arguments, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    Live,
    Start,
    Memory,
    List,
}

impl Scenario {
    pub fn title(self) -> &'static str {
        match self {
            Self::Live => "live: GET /health/live of Trireme and of the bare server",
            Self::Start => "start: from the start of the process to its first 200, on SQLite",
            Self::Memory => "memory: resident memory when idle, on SQLite",
            Self::List => "list: 20 of a million tasks and of a thousand, on PostgreSQL",
        }
    }

    pub fn run(self, arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
        match self {
            Self::Live => live::run(arguments, programs),
            Self::Start => start::run(programs),
            Self::Memory => memory::run(programs),
            Self::List => list::run(arguments, programs),
        }
    }
}
