//! Applying migrations: one transaction each, one process at a time, forwards only.

mod error;
mod legacy;
mod plan;
mod postgres;
mod sqlite;

use std::time::{Duration, Instant};

use trireme_core::{
    host::Database as _,
    migrations::{self, Migration, Series},
};

use self::plan::Books;
pub use self::{
    error::MigrateError,
    plan::{State, Status},
};
use super::{Database, postgres::needs::Purpose, sqlite::Sqlite};

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
    /// Applies the core's migrations and the product's. On PostgreSQL it opens a connection of its
    /// own, by DIRECT_DATABASE_URL if there is one.
    pub fn migrator(&self, product: Series) -> Migrator<'_> {
        let known = migrations::all(product, self.backend());
        Migrator { database: self, known, patience: PATIENCE }
    }
}

impl Migrator<'_> {
    /// Other migrations than this build's, in the order of their series and versions; for tests.
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
        let books = self.open().await?.books().await?;
        Ok(plan::compare(&self.known, &books.applied))
    }

    /// What [`Migrator::migrate`] would apply, where it could: what it lacks is an error.
    /// Changes nothing.
    pub async fn pending(&self, to: Option<i64>) -> Result<Vec<Migration>, MigrateError> {
        self.open().await?.pending(&self.known, to).await
    }

    /// Applies what is pending, up to version `to`, and tells `each` when one is done. What
    /// was applied before an error stays.
    pub async fn migrate(
        &self,
        to: Option<i64>,
        mut each: impl FnMut(&Done),
    ) -> Result<Vec<Done>, MigrateError> {
        let session = self.open().await?;
        let mut all = Vec::new();
        // Mostly there is nothing to do, and then no lock is needed.
        if !session.pending(&self.known, to).await?.is_empty() {
            while let Some(done) = self.step(&session, to).await? {
                tracing::info!(
                    series = done.migration.series,
                    name = done.migration.name,
                    milliseconds = done.took.as_millis() as u64,
                    "applied a migration"
                );
                each(&done);
                all.push(done);
            }
        }
        if let Session::Postgres(session) = &session {
            session.settle().await?;
        }
        Ok(all)
    }

    /// Applies the next one, if another process has not done so meanwhile.
    async fn step(
        &self,
        session: &Session<'_>,
        to: Option<i64>,
    ) -> Result<Option<Done>, MigrateError> {
        let begun = Instant::now();
        let migration = match session {
            Session::Postgres(session) => session.step(&self.known, to, self.patience).await?,
            Session::Sqlite(database) => {
                sqlite::step(database, &self.known, to, self.patience).await?
            }
        };
        Ok(migration.map(|migration| Done { migration, took: begun.elapsed() }))
    }

    async fn open(&self) -> Result<Session<'_>, MigrateError> {
        Ok(match self.database {
            Database::Postgres(database) => {
                Session::Postgres(postgres::Session::open(database).await?)
            }
            Database::Sqlite(database) => Session::Sqlite(database),
        })
    }
}

/// What all of one call goes over.
enum Session<'a> {
    Postgres(postgres::Session),
    Sqlite(&'a Sqlite),
}

impl Session<'_> {
    async fn books(&self) -> Result<Books, MigrateError> {
        match self {
            Self::Postgres(session) => session.books().await,
            Self::Sqlite(database) => sqlite::books(database).await,
        }
    }

    async fn pending(
        &self,
        known: &[Migration],
        to: Option<i64>,
    ) -> Result<Vec<Migration>, MigrateError> {
        let books = self.books().await;
        if let (Self::Postgres(session), Err(_)) = (self, &books) {
            // What is lacking says more than what it led to.
            session.check(Purpose::Starting).await?;
        }
        let applied = books?.applied;
        let pending = plan::pending(known, &applied, to)?;
        if let Self::Postgres(session) = self {
            let purpose = if pending.is_empty() {
                Purpose::Starting
            } else {
                Purpose::Migrating { from_nothing: applied.is_empty() }
            };
            session.check(purpose).await?;
        }
        Ok(pending)
    }
}
