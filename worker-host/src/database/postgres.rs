//! PostgreSQL: one connection a request, opened by its first batch.

use std::{cell::RefCell, rc::Rc, time::Duration};

use trireme_core::{
    config,
    host::Scope,
    postgres::{self, Row, Session, sign_in::Cache},
    sql::{self, DatabaseError, Statement},
};
use worker::{Context, Env};

use super::socket::{Target, Wire};
use crate::time::within;

/// What all requests share: whom to connect to, and the limits.
pub struct Way {
    target: Target,
    keys: Cache,
    /// There may be a pooler before the server. And a request is too short to use a statement
    /// twice.
    opening: [Statement<'static>; 2],
    acquire: Duration,
    limit: Duration,
}

impl Way {
    pub fn new(target: Target, config: &config::Database) -> Self {
        Self {
            target,
            keys: Cache::default(),
            opening: postgres::opening(config.statement_timeout.as_millis() as u64),
            acquire: config.acquire_timeout,
            limit: config.statement_timeout + sql::GRACE,
        }
    }
}

/// One request's connection. The platform lets no other request use it.
pub struct Postgres {
    way: &'static Way,
    env: Env,
    context: Rc<Context>,
    /// Between two batches; a batch takes it out, so no two share it at once.
    idle: RefCell<Option<Wire>>,
}

impl Postgres {
    pub fn new(way: &'static Way, env: Env, context: Rc<Context>) -> Self {
        Self { way, env, context, idle: RefCell::default() }
    }

    pub async fn batch<R: From<Row>>(
        &self,
        scope: Scope,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<R>>, DatabaseError> {
        let idle = self.idle.take();
        let mut lease = Lease { wire: None, context: &self.context };
        let wire = lease.wire.insert(match idle {
            Some(wire) => wire,
            None => self.open().await?,
        });
        let Way { opening, limit, .. } = self.way;
        let batch = wire.batch(Session::Shared(opening), scope, statements, |_| true);
        let answer = within(*limit, batch).await;
        let answer = answer.unwrap_or_else(|| Err(sql::unanswered(*limit, statements)));
        if !wire.is_broken() && answer.as_ref().map_or_else(postgres::is_answer, |_| true) {
            // Two batches at once had one each.
            goodbye(self.idle.replace(lease.wire.take()), &self.context);
        }
        answer
    }

    async fn open(&self) -> Result<Wire, DatabaseError> {
        let Way { target, keys, acquire, .. } = self.way;
        let dialled = within(*acquire, target.dial(&self.env, keys)).await;
        dialled
            .unwrap_or_else(|| Err(format!("no connection within {acquire:?}")))
            .map_err(DatabaseError::Unavailable)
    }
}

/// The platform goes on with it past the answer, until it has said goodbye.
impl Drop for Postgres {
    fn drop(&mut self) {
        goodbye(self.idle.take(), &self.context);
    }
}

/// A connection while a batch runs on it, which may be given up.
struct Lease<'a> {
    wire: Option<Wire>,
    context: &'a Context,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        goodbye(self.wire.take(), self.context);
    }
}

fn goodbye(wire: Option<Wire>, context: &Context) {
    if let Some(wire) = wire {
        context.wait_until(wire.close());
    }
}
