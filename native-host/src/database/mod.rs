//! The way to PostgreSQL and SQLite.

pub mod migrate;
pub mod postgres;
pub mod sqlite;
pub mod stats;
pub mod tls;

use std::fmt;

use trireme_core::{
    config::{DatabaseUrl, PostgresUrl},
    host::{self, Backend, Scope},
    sql::{self, Access, DatabaseError, Statement},
};

use self::{
    postgres::{
        Postgres,
        target::{Target, UrlFault},
    },
    sqlite::{FileError, Sqlite},
    stats::{Meter, Stats},
};

use crate::{budget, program};

/// Cheap to clone; all clones share their connections. Every runtime that uses it has to live
/// until the last batch is done: the connections that one has opened serve all.
#[derive(Clone)]
pub enum Database {
    Postgres(Postgres),
    Sqlite(Sqlite),
}

/// Why there is no way to the database, and no sense in trying again.
#[derive(Debug)]
pub enum OpenError {
    /// A fault of the configuration: the variable, and what is wrong with it.
    Url(&'static str, UrlFault),
    File(FileError),
    /// A database that only another platform has.
    Binding(&'static str),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(variable, error) => write!(f, "{variable}: {error}."),
            Self::File(error) => write!(f, "{error}."),
            Self::Binding(scheme) => write!(f, "DATABASE_URL: {scheme}:// is another platform's."),
        }
    }
}
impl std::error::Error for OpenError {}

impl Database {
    /// Opens the way, not necessarily a connection: a PostgreSQL server that is away now is
    /// found when it is back. SQLite's file is opened, and made if it is not there.
    pub fn open(config: &trireme_core::config::Database) -> Result<Self, OpenError> {
        match &config.url {
            DatabaseUrl::Postgres(url) => {
                let pooled = target("DATABASE_URL", url)?;
                let direct = match &config.direct_url {
                    Some(url) => target("DIRECT_DATABASE_URL", url)?,
                    None => pooled.clone(),
                };
                Ok(Self::Postgres(Postgres::new(pooled, direct, config)))
            }
            DatabaseUrl::Sqlite(path) => {
                Sqlite::open(path, config).map(Self::Sqlite).map_err(OpenError::File)
            }
            DatabaseUrl::Binding(scheme, _) => Err(OpenError::Binding(scheme)),
        }
    }

    /// Opens DATABASE_POOL_MIN connections in the background and keeps as many open. Called on
    /// each runtime, it spreads them over all; a batch is quickest on a connection of its own
    /// runtime.
    pub fn warm(&self) {
        if let Self::Postgres(postgres) = self {
            postgres.pool().keep();
        }
    }

    /// Gives up the connections that nobody uses: migrating needs one.
    pub fn make_room(&self) {
        if let Self::Postgres(postgres) = self {
            postgres.pool().make_room();
        }
    }

    pub fn stats(&self) -> Stats {
        match self {
            Self::Postgres(postgres) => postgres.pool().stats(),
            Self::Sqlite(sqlite) => sqlite.stats(),
        }
    }

    fn meter(&self) -> &Meter {
        match self {
            Self::Postgres(postgres) => postgres.pool().meter(),
            Self::Sqlite(sqlite) => sqlite.meter(),
        }
    }
}

/// Where the URL of a variable leads.
pub fn target(variable: &'static str, url: &PostgresUrl) -> Result<Target, OpenError> {
    Target::new(url, program::name()).map_err(|fault| OpenError::Url(variable, fault))
}

impl host::Database for Database {
    type Row = Row;

    fn backend(&self) -> Backend {
        match self {
            Self::Postgres(_) => Backend::Postgres,
            Self::Sqlite(_) => Backend::Sqlite,
        }
    }

    async fn batch(
        &self,
        scope: Scope,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<Row>>, DatabaseError> {
        let results = match self {
            Self::Postgres(postgres) => postgres.batch(scope, statements).await,
            Self::Sqlite(sqlite) => sqlite.batch(scope, statements).await.and_then(|rows| {
                // Of PostgreSQL's rows each asks as it arrives; of these, as many as SQLite has
                // threads may be there without having asked.
                let writes = statements.iter().any(|statement| statement.access == Access::Write);
                if writes || has_room(&rows) { Ok(rows) } else { Err(DatabaseError::NoRoom) }
            }),
        };
        if let Err(error) = &results {
            self.meter().failed(error);
        }
        results
    }
}

fn has_room(results: &[Vec<Row>]) -> bool {
    results.iter().flatten().all(|row| match row {
        Row::Sqlite(row) => budget::room_for_row(row.size()),
        Row::Postgres(_) => true,
    })
}

/// A row of either database.
pub type Row = sql::Either<trireme_core::postgres::Row>;
