use std::{
    fmt::Write as _,
    time::{Duration, Instant, SystemTime},
};

use tokio::time::sleep;
use tokio_postgres::{
    Client, Error as PgError,
    error::{ErrorPosition, SqlState},
    types::{ToSql, Type},
};
use trireme_core::{Timestamp, migrations::Migration, postgres::BEGIN};

use super::{
    BOOKKEEPING, MigrateError, legacy,
    plan::{self, Applied, Books},
};
use crate::database::postgres::{
    Postgres,
    connect::{Connection, explain},
    needs::{self, Purpose},
};

/// Nobody else's number, one for each database of a cluster.
const LOCK: i64 = 0x0074_7269_7265_6d65;

/// One wait for a lock. Longer, and everybody else's statements would queue up behind ours.
const LOCK_TIMEOUT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(500);

/// The name that stands for the role of this database's users in errors.
const ROLE: &str = "settle_trireme_role";

const CREATE: &str = "
    CREATE TABLE IF NOT EXISTS schema_migrations (
        version bigint NOT NULL,
        name text NOT NULL,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL,
        series text NOT NULL,
        PRIMARY KEY (series, version)
    )";

/// Books from before there were series become such books.
const CARRY_OVER: &str = "
    ALTER TABLE schema_migrations ADD COLUMN series text NOT NULL DEFAULT 'trireme';
    ALTER TABLE schema_migrations ALTER COLUMN series DROP DEFAULT;
    ALTER TABLE schema_migrations DROP CONSTRAINT schema_migrations_pkey;
    ALTER TABLE schema_migrations ADD PRIMARY KEY (series, version);";

/// Why an attempt did not come to its end.
enum Failure {
    Refused(MigrateError),
    Sql { name: &'static str, sql: &'static str, error: PgError },
}

impl Failure {
    fn of(migration: &Migration) -> impl FnOnce(PgError) -> Self + Copy {
        let (name, sql) = (migration.name, migration.sql);
        move |error| Self::Sql { name, sql, error }
    }

    fn of_bookkeeping(error: PgError) -> Self {
        Self::Sql { name: BOOKKEEPING, sql: "", error }
    }
}

/// The one connection that everything goes over: where there are few to be had, a second may
/// be one too many.
pub struct Session(Connection);

impl Session {
    pub async fn open(database: &Postgres) -> Result<Self, MigrateError> {
        let connection = database.connect_directly().await;
        connection.map(Self).map_err(|error| MigrateError::Unreachable(error.0))
    }

    /// Whether the server will do.
    pub async fn check(&self, purpose: Purpose) -> Result<(), MigrateError> {
        let lacks = needs::lacks(self.0.client(), purpose).await;
        let lacks = lacks.map_err(|error| failed(BOOKKEEPING, "", &error))?;
        if lacks.is_empty() { Ok(()) } else { Err(MigrateError::Lacking(lacks)) }
    }

    pub async fn books(&self) -> Result<Books, MigrateError> {
        read(self.0.client()).await.map_err(|error| failed(BOOKKEEPING, "", &error))
    }

    /// Applies the next migration, or none if all are applied. Each attempt begins anew: what
    /// to do is decided under the lock.
    pub async fn step(
        &self,
        known: &[Migration],
        to: Option<i64>,
        patience: Duration,
    ) -> Result<Option<Migration>, MigrateError> {
        let client = self.0.client();
        let begun = Instant::now();
        loop {
            let (name, sql, error) = match attempt(client, known, to).await {
                Ok(migration) => return Ok(migration),
                Err(Failure::Refused(error)) => {
                    let _ = client.batch_execute("ROLLBACK").await;
                    return Err(error);
                }
                Err(Failure::Sql { name, sql, error }) => (name, sql, error),
            };
            if client.batch_execute("ROLLBACK").await.is_err() {
                let cause = explain(&error);
                return Err(MigrateError::Interrupted { name: name.into(), cause });
            }
            let locked = [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED];
            if !error.code().is_some_and(|code| locked.contains(code)) {
                return Err(failed(name, sql, &error));
            }
            let waited = begun.elapsed();
            if waited >= patience {
                let cause = explain(&error);
                return Err(MigrateError::Locked { name: name.into(), waited, cause });
            }
            sleep(PAUSE).await;
        }
    }

    /// A copy of a database, or one restored elsewhere, brings along the name of the role that
    /// the original's users have: this one gets its own.
    pub async fn settle(&self) -> Result<(), MigrateError> {
        let client = self.0.client();
        let failed = |error: PgError| failed(ROLE, "", &error);
        // Asked of the catalog first: before the migration that makes them there are none.
        let known = "SELECT to_regprocedure('trireme_role_due()') IS NOT NULL";
        let strange = "SELECT trireme_role() <> trireme_role_due()
                       OR NOT COALESCE(pg_has_role(to_regrole(trireme_role_due()),
                          CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END), false)";
        for question in [known, strange] {
            let row = client.query_typed_one(question, &[]).await.map_err(failed)?;
            if !row.try_get::<_, bool>(0).map_err(failed)? {
                return Ok(());
            }
        }
        let settle = format!(
            "{BEGIN}; SELECT pg_advisory_xact_lock({LOCK}); SELECT settle_trireme_role(); COMMIT"
        );
        client.batch_execute(&settle).await.map_err(failed)
    }
}

async fn attempt(
    client: &Client,
    known: &[Migration],
    to: Option<i64>,
) -> Result<Option<Migration>, Failure> {
    // The lock ends with the transaction, also behind a pooler, also when we are killed.
    let begin = format!(
        "{BEGIN}; SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = 0;
         SELECT pg_advisory_xact_lock({LOCK})",
        LOCK_TIMEOUT.as_millis()
    );
    client.batch_execute(&begin).await.map_err(Failure::of_bookkeeping)?;
    let books = read(client).await.map_err(Failure::of_bookkeeping)?;
    let pending = plan::pending(known, &books.applied, to).map_err(Failure::Refused)?;
    let Some(migration) = pending.first().copied() else {
        client.batch_execute("COMMIT").await.map_err(Failure::of_bookkeeping)?;
        return Ok(None);
    };
    if books.old {
        for sql in [CARRY_OVER, legacy::DIVIDE] {
            client.batch_execute(sql).await.map_err(Failure::of_bookkeeping)?;
        }
    } else if books.applied.is_empty() {
        client.batch_execute(CREATE).await.map_err(Failure::of_bookkeeping)?;
    }
    let failure = Failure::of(&migration);
    client.batch_execute(migration.sql).await.map_err(failure)?;
    let insert = "INSERT INTO schema_migrations (version, name, checksum, applied_at, series)
                  VALUES ($1, $2, $3, clock_timestamp(), $4)";
    let row: [(&(dyn ToSql + Sync), Type); 4] = [
        (&migration.version, Type::INT8),
        (&migration.name, Type::TEXT),
        (&migration.checksum(), Type::TEXT),
        (&migration.series, Type::TEXT),
    ];
    client.execute_typed(insert, &row).await.map_err(failure)?;
    client.batch_execute("COMMIT").await.map_err(failure)?;
    Ok(Some(migration))
}

/// What is applied; nothing before the first migration. Nothing is prepared, for the pooler
/// that may be in between.
pub async fn read(client: &Client) -> Result<Books, PgError> {
    // A look into the table of tables, not `to_regclass`: its cache may hold from before the
    // wait for the lock that there is no such table.
    let exists = "SELECT EXISTS (SELECT FROM pg_tables
                  WHERE tablename = 'schema_migrations' AND schemaname = ANY (current_schemas(false)))";
    if !client.query_typed_one(exists, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(Books::default());
    }
    // All columns: old books have no `series`.
    let select = "SELECT * FROM schema_migrations ORDER BY version";
    let rows = client.query_typed(select, &[]).await?;
    let rows = rows.iter().map(|row| {
        let series = if row.len() > 4 { row.try_get(4)? } else { None };
        let row = Applied {
            series: String::new(),
            version: row.try_get(0)?,
            name: row.try_get(1)?,
            checksum: row.try_get(2)?,
            at: row.try_get(3).map_or(Timestamp::MIN, moment),
        };
        Ok((series, row))
    });
    Ok(Books::of(rows.collect::<Result<_, PgError>>()?))
}

fn moment(at: SystemTime) -> Timestamp {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(since.as_millis() as i64)
}

/// The server's words, with the line that they are about and its own advice.
fn failed(name: &str, sql: &str, error: &PgError) -> MigrateError {
    let mut cause = explain(error);
    if let Some(server) = error.as_db_error() {
        if let Some(ErrorPosition::Original(position)) = server.position() {
            let line = sql.chars().take(*position as usize).filter(|c| *c == '\n').count() + 1;
            let _ = write!(cause, " (line {line})");
        }
        for more in [server.detail(), server.hint()].into_iter().flatten() {
            let _ = write!(cause, ". {more}");
        }
    }
    MigrateError::Failed { name: name.to_owned(), cause }
}
