//! PostgreSQL: batches over pooled connections.

pub mod connect;
pub mod direct;
mod lanes;
pub mod needs;
mod open;
pub mod pool;
mod queue;
mod stream;
pub mod target;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::timeout;
use trireme_core::{
    host::Scope,
    postgres::{self, Row, Session},
    sql::{self, DatabaseError, Statement},
};

use self::{
    connect::{ConnectError, Connection},
    pool::{Bounds, Pool},
    target::Target,
};
use crate::budget;

/// A pool and the limits of what runs on it. Cheap to clone; all clones share the pool.
#[derive(Clone)]
pub struct Postgres(Arc<Inner>);

struct Inner {
    pool: Pool,
    /// Past a pooler, for migrations.
    direct: Target,
    /// What opens a transaction behind a pooler.
    opening: [Statement<'static>; 2],
    limit: Duration,
}

impl Postgres {
    pub fn new(target: Target, direct: Target, config: &trireme_core::config::Database) -> Self {
        let limit = config.statement_timeout + sql::GRACE;
        let bounds = Bounds {
            min: config.pool_min,
            max: config.pool_max,
            acquire_timeout: config.acquire_timeout,
            statement_timeout: config.statement_timeout,
            settle_timeout: limit,
        };
        let opening = postgres::opening(config.statement_timeout.as_millis() as u64);
        Self(Arc::new(Inner { pool: Pool::new(target, bounds), direct, opening, limit }))
    }

    pub fn pool(&self) -> &Pool {
        &self.0.pool
    }

    /// A connection outside the pool, past a pooler if there is a way.
    pub async fn connect_directly(&self) -> Result<Connection, ConnectError> {
        Connection::open(&self.0.direct).await
    }

    pub async fn batch<R: From<Row>>(
        &self,
        scope: Scope,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<R>>, DatabaseError> {
        let mut lease = self.0.pool.get().await?;
        let sent = Instant::now();
        let session =
            if self.0.pool.is_pooled() { Session::Shared(&self.0.opening) } else { Session::Own };
        let batch = lease.wire().batch(session, scope, statements, budget::room_for_row);
        match timeout(self.0.limit, batch).await {
            Ok(Ok(rows)) => {
                lease.give_back();
                Ok(rows)
            }
            Ok(Err(error)) => {
                let is_broken = lease.wire().is_broken();
                if is_broken || turned_read_only(&error) {
                    self.0.pool.distrust(sent);
                }
                if postgres::is_answer(&error) && !is_broken {
                    lease.give_back();
                } else {
                    lease.discard();
                }
                Err(error)
            }
            Err(_) => {
                lease.discard();
                self.0.pool.distrust(sent);
                Err(sql::unanswered(self.0.limit, statements))
            }
        }
    }
}

/// A failover made a replica of the server that we are connected to.
fn turned_read_only(error: &DatabaseError) -> bool {
    matches!(error, DatabaseError::Unavailable(cause) if cause.starts_with("25006"))
}
