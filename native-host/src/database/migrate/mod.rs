//! Applying migrations: one transaction each, one process at a time, forwards only.

mod error;
mod plan;
mod postgres;
mod sqlite;

use std::time::{Duration, Instant};

use shared::{
    host::Database as _,
    migrations::{self, Migration},
};

pub use self::{
    error::MigrateError,
    plan::{State, Status},
};
use super::Database;

/// How long all waiting for locks may take for one migration.
const PATIENCE: Duration = Duration::from_secs(60);

/// The name that stands for the table of applied migrations in errors.
const BOOKKEEPING: &str = "schema_migrations";

/// What brings a database's schema up to this build.
pub struct Migrator<'a> {
    database: &'a Database,
    known: Vec<Migration>,
    patience: Duration,
}

/// A migration that was just applied.
#[derive(Clone, Debug)]
pub struct Done {
    pub migration: Migration,
    pub took: Duration,
}

impl Database {
    /// On PostgreSQL it opens a connection of its own, by DIRECT_DATABASE_URL if there is one.
    pub fn migrator(&self) -> Migrator<'_> {
        let known = migrations::all(self.backend()).to_vec();
        Migrator { database: self, known, patience: PATIENCE }
    }
}

impl Migrator<'_> {
    /// Other migrations than this build's, in the order of their versions; for tests.
    #[must_use]
    pub fn with(mut self, known: Vec<Migration>) -> Self {
        self.known = known;
        self
    }

    /// How long it may wait for locks; a minute unless set.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Every migration and where it stands. Changes nothing.
    pub async fn status(&self) -> Result<Vec<Status>, MigrateError> {
        let applied = match self.database {
            Database::Postgres(database) => postgres::applied(database).await?,
            Database::Sqlite(database) => sqlite::applied(database).await?,
        };
        Ok(plan::compare(&self.known, &applied))
    }

    /// What [`Migrator::migrate`] would apply. Changes nothing.
    pub async fn pending(&self, to: Option<i64>) -> Result<Vec<Migration>, MigrateError> {
        let applied = match self.database {
            Database::Postgres(database) => postgres::applied(database).await?,
            Database::Sqlite(database) => sqlite::applied(database).await?,
        };
        plan::pending(&self.known, &applied, to)
    }

    /// Applies what is pending, up to version `to`, and tells `each` when one is done. What
    /// was applied before an error stays.
    pub async fn migrate(
        &self,
        to: Option<i64>,
        mut each: impl FnMut(&Done),
    ) -> Result<Vec<Done>, MigrateError> {
        let mut all = Vec::new();
        // Mostly there is nothing to do, and then no lock is needed.
        if self.pending(to).await?.is_empty() {
            return Ok(all);
        }
        while let Some(done) = self.step(to).await? {
            tracing::info!(
                name = done.migration.name,
                milliseconds = done.took.as_millis() as u64,
                "applied a migration"
            );
            each(&done);
            all.push(done);
        }
        Ok(all)
    }

    /// Applies the next one, if another process has not done so meanwhile.
    async fn step(&self, to: Option<i64>) -> Result<Option<Done>, MigrateError> {
        let begun = Instant::now();
        let migration = match self.database {
            Database::Postgres(database) => {
                postgres::step(database, &self.known, to, self.patience).await?
            }
            Database::Sqlite(database) => {
                sqlite::step(database, &self.known, to, self.patience).await?
            }
        };
        Ok(migration.map(|migration| Done { migration, took: begun.elapsed() }))
    }
}
