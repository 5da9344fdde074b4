//! PostgreSQL in the best manner that tokio-postgres allows: connections that are opened at the
//! start, everything prepared once, and all of a request sent before the first answer is awaited.

use std::cell::{OnceCell, RefCell};

use futures_util::future::{join_all, try_join3};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_local;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, NoTls, Row, Statement};
use uuid::Uuid;

use crate::route::{Manner, Route};
use crate::statements::Sql;

/// An argument with its type, which has to be said where nothing is prepared.
pub type Argument<'a> = (&'a (dyn ToSql + Sync), Type);

/// The connections of one thread.
pub struct Pool {
    free: RefCell<Vec<Connection>>,
    permits: Semaphore,
}

impl Pool {
    pub async fn open(url: &str, size: usize, prepare: bool) -> Result<Self, Error> {
        let mut free = Vec::new();
        for _ in 0..size {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
            spawn_local(connection);
            let prepared = prepare.then(Default::default);
            free.push(Connection { client, prepared });
        }
        Ok(Self { free: RefCell::new(free), permits: Semaphore::new(size) })
    }

    pub async fn get(&self) -> Lent<'_> {
        let permit = self.permits.acquire().await.expect("the pool is never closed");
        let connection = self.free.borrow_mut().pop();
        Lent { pool: self, connection, _permit: permit }
    }
}

/// A connection that goes back to its pool on drop.
pub struct Lent<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
    _permit: SemaphorePermit<'a>,
}

impl std::ops::Deref for Lent<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("there are as many connections as permits")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.pool.free.borrow_mut().extend(self.connection.take());
    }
}

pub struct Connection {
    client: Client,
    /// `None` behind a pooler, where a statement may be another connection's the next time.
    prepared: Option<[OnceCell<Statement>; Sql::COUNT]>,
}

impl Connection {
    /// Runs statements as the route has it, and gives each one's rows.
    pub async fn run(
        &self,
        route: &Route,
        statements: &[(Sql, &[Argument<'_>])],
    ) -> Result<Vec<Vec<Row>>, Error> {
        let Route { user, session, .. } = route;
        let enter = match route.manner {
            Manner::Plain => {
                let results = join_all(statements.iter().map(|(sql, it)| self.query(*sql, it)));
                return results.await.into_iter().collect();
            }
            Manner::Entered => Sql::Enter,
            Manner::Checked => Sql::Check,
        };
        let Some(prepared) = &self.prepared else {
            return self.unprepared(*user, *session, statements).await;
        };
        let who: &[Argument<'_>] = &[(user, Type::UUID), (session, Type::UUID)];
        let all = [(Sql::Begin, &[][..]), (enter, who)].into_iter();
        let all = all.chain(statements.iter().copied()).chain([(Sql::Commit, &[][..])]);
        for (sql, _) in all.clone() {
            self.prepare(prepared, sql).await?;
        }
        let results = join_all(all.map(|(sql, arguments)| self.query(sql, arguments))).await;
        let mut rows = results.into_iter().collect::<Result<Vec<_>, _>>()?;
        rows.pop();
        rows.drain(..2);
        Ok(rows)
    }

    /// The beginning as Trireme sends it through a pooler, in one message.
    async fn unprepared(
        &self,
        user: Uuid,
        session: Uuid,
        statements: &[(Sql, &[Argument<'_>])],
    ) -> Result<Vec<Vec<Row>>, Error> {
        let begin = Sql::Begin.text();
        let open = format!(
            "{begin}; SET LOCAL statement_timeout = 10000; SELECT enter_user('{user}', '{session}')"
        );
        let results = async {
            let results = join_all(statements.iter().map(|(sql, it)| self.query(*sql, it)));
            results.await.into_iter().collect()
        };
        let (opened, commit) =
            (self.client.batch_execute(&open), self.client.batch_execute("COMMIT"));
        try_join3(opened, results, commit).await.map(|((), rows, ())| rows)
    }

    async fn query(&self, sql: Sql, arguments: &[Argument<'_>]) -> Result<Vec<Row>, Error> {
        match &self.prepared {
            Some(prepared) => {
                let statement = self.prepare(prepared, sql).await?;
                let values = arguments.iter().map(|(value, _)| *value).collect::<Vec<_>>();
                self.client.query(statement, &values).await
            }
            None => self.client.query_typed(&sql.text(), arguments).await,
        }
    }

    async fn prepare<'a>(
        &self,
        prepared: &'a [OnceCell<Statement>; Sql::COUNT],
        sql: Sql,
    ) -> Result<&'a Statement, Error> {
        let cell = &prepared[sql as usize];
        if cell.get().is_none() {
            // Nobody else has the connection at the moment.
            let _ = cell.set(self.client.prepare(&sql.text()).await?);
        }
        Ok(cell.get().expect("it was just prepared"))
    }
}
