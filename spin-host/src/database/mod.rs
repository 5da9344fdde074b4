//! The way to Spin's databases: its SQLite, and PostgreSQL through Spin's own pool.

mod postgres;
mod sqlite;

use trireme_core::{
    config::{self, DatabaseUrl},
    host::{self, Backend, Scope},
    run_batch,
    sql::{self, DatabaseError, Statement},
};

use crate::platform::within;

/// A row of either database.
pub type Row = sql::Either<run_batch::Row>;

pub struct Database {
    config: &'static config::Database,
}

impl Database {
    pub fn new(config: &'static config::Database) -> Self {
        Self { config }
    }
}

impl host::Database for Database {
    type Row = Row;

    fn backend(&self) -> Backend {
        match self.config.url {
            DatabaseUrl::Postgres(_) => Backend::Postgres,
            DatabaseUrl::Sqlite(_) | DatabaseUrl::Binding(..) => Backend::Sqlite,
        }
    }

    async fn batch(
        &self,
        scope: Scope,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<Row>>, DatabaseError> {
        let limit = self.config.statement_timeout + sql::GRACE;
        let batch = async {
            match &self.config.url {
                DatabaseUrl::Postgres(url) => {
                    postgres::batch(url, self.config, scope, statements).await
                }
                DatabaseUrl::Sqlite(label) | DatabaseUrl::Binding(_, label) => {
                    sqlite::batch(label, self.config, scope, statements).await
                }
            }
        };
        within(limit, batch).await.unwrap_or_else(|| Err(sql::unanswered(limit, statements)))
    }
}
