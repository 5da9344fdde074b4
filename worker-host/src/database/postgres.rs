//! PostgreSQL: one connection a request, opened by its first batch.

use std::{cell::RefCell, time::Duration};

use tokio_postgres::{Client, Error as PgError, Row};
use trireme_core::{
    config,
    host::Scope,
    postgres::{self, sign_in::Cache},
    sql::{self, DatabaseError, Statement},
};
use worker::{Context, Env};

use super::socket::{Connection, Target};
use crate::time::within;

/// What all requests share: whom to connect to, and the limits.
pub struct Way {
    target: Target,
    keys: Cache,
    /// There may be a pooler before the server, so the limits are each transaction's.
    begin: String,
    acquire: Duration,
    limit: Duration,
}

impl Way {
    pub fn new(target: Target, config: &config::Database) -> Self {
        Self {
            target,
            keys: Cache::default(),
            begin: postgres::begin(config.statement_timeout.as_millis() as u64),
            acquire: config.acquire_timeout,
            limit: config.statement_timeout + sql::GRACE,
        }
    }
}

/// One request's connection. The platform lets no other request use it.
pub struct Postgres {
    way: &'static Way,
    env: Env,
    context: Context,
    /// Between two batches; a batch takes it out, so no two share it at once.
    idle: RefCell<Option<Lease>>,
}

struct Lease(Client);

impl postgres::Connection for Lease {
    fn client(&self) -> &Client {
        &self.0
    }

    /// A request is too short to use a statement twice.
    async fn prepared(&self, _: &str) -> Result<Option<tokio_postgres::Statement>, PgError> {
        Ok(None)
    }
}

impl Postgres {
    pub fn new(way: &'static Way, env: Env, context: Context) -> Self {
        Self { way, env, context, idle: RefCell::default() }
    }

    pub async fn batch<R: From<Row>>(
        &self,
        scope: Scope,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<R>>, DatabaseError> {
        let idle = self.idle.take().filter(|lease| !lease.0.is_closed());
        let lease = match idle {
            Some(lease) => lease,
            None => self.open().await?,
        };
        let Way { begin, limit, .. } = self.way;
        let batch = postgres::batch(&lease, begin, scope, statements);
        let answer = within(*limit, batch).await;
        let answer = answer.unwrap_or_else(|| Err(sql::unanswered(*limit, statements)));
        if answer.as_ref().map_or_else(postgres::is_answer, |_| true) {
            self.idle.replace(Some(lease));
        }
        answer
    }

    async fn open(&self) -> Result<Lease, DatabaseError> {
        let Way { target, keys, acquire, .. } = self.way;
        let dialled = within(*acquire, target.dial(&self.env, keys)).await;
        let (client, connection) = dialled
            .unwrap_or_else(|| Err(format!("no connection within {acquire:?}")))
            .map_err(DatabaseError::Unavailable)?;
        // The platform goes on with it past the answer, until it has said goodbye.
        self.context.wait_until(drive(connection));
        Ok(Lease(client))
    }
}

/// Moves the connection's bytes until its client is dropped, or it breaks.
async fn drive(connection: Connection) {
    if let Err(error) = connection.await {
        let error = postgres::explain(&error);
        tracing::warn!(error, "a connection to the database broke");
    }
}
