//! A cell: one host on one family of databases, built and running for real.

mod programs;
mod running;

use std::fmt;

use clap::ValueEnum;

pub use programs::{Programs, Spin};
pub use running::{Options, Running};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Host {
    /// The `trireme` program
    Native,
    /// The Worker, under Miniflare with the real workerd
    Workers,
    /// The component, by the `spin` command where it is installed, else by the test embedder
    Spin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// SQLite, D1 on Workers
    Sqlite,
    /// PostgreSQL, through the Hyperdrive binding on Workers
    Postgres,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    pub host: Host,
    pub backend: Backend,
}

impl Cell {
    /// All six, those first that build fastest.
    pub fn all() -> impl Iterator<Item = Self> {
        let hosts = [Host::Native, Host::Spin, Host::Workers];
        hosts.into_iter().flat_map(|host| {
            [Backend::Sqlite, Backend::Postgres].map(|backend| Self { host, backend })
        })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = format!("{:?}", self.host).to_lowercase();
        write!(f, "{host} {}", format!("{:?}", self.backend).to_lowercase())
    }
}
