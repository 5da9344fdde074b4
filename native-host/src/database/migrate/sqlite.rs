use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension as _};
use trireme_core::{Timestamp, migrations::Migration, sql::DatabaseError};

use super::{
    BOOKKEEPING, MigrateError, legacy,
    plan::{self, Applied, Books},
};
use crate::database::sqlite::Sqlite;

const CREATE: &str = "
    CREATE TABLE IF NOT EXISTS schema_migrations (
        version INTEGER NOT NULL,
        name TEXT NOT NULL,
        checksum TEXT NOT NULL,
        applied_at INTEGER NOT NULL,
        series TEXT NOT NULL,
        PRIMARY KEY (series, version)
    ) STRICT";

/// Books from before there were series are put aside, and what they say into others.
const PUT_ASIDE: &str = "ALTER TABLE schema_migrations RENAME TO schema_migrations_before_series";
const CARRY_OVER: &str = "
    INSERT INTO schema_migrations SELECT *, 'trireme' FROM schema_migrations_before_series;
    DROP TABLE schema_migrations_before_series;";

pub async fn books(database: &Sqlite) -> Result<Books, MigrateError> {
    let books = database.write(read).await.map_err(|error| busy(&error))?;
    books.map_err(|error| failed(BOOKKEEPING, &error))
}

/// Applies the next migration, or none if all are applied, on the connection that writes.
pub async fn step(
    database: &Sqlite,
    known: &[Migration],
    to: Option<i64>,
    patience: Duration,
) -> Result<Option<Migration>, MigrateError> {
    let known = known.to_vec();
    let usual = database.busy_timeout();
    let step = move |connection: &Connection| {
        let prepared = connection
            .busy_timeout(patience)
            // A migration may have to make a table anew; whether all references hold is
            // looked at before its end instead.
            .and_then(|()| connection.pragma_update(None, "foreign_keys", false))
            .map_err(|error| failed(BOOKKEEPING, &error));
        let result = prepared.and_then(|()| attempt(connection, &known, to, patience));
        if !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        connection
            .busy_timeout(usual)
            .and_then(|()| connection.pragma_update(None, "foreign_keys", true))
            .map_err(|error| failed(BOOKKEEPING, &error))?;
        result
    };
    database.write(step).await.map_err(|error| busy(&error))?
}

fn attempt(
    connection: &Connection,
    known: &[Migration],
    to: Option<i64>,
    patience: Duration,
) -> Result<Option<Migration>, MigrateError> {
    let begun = connection.execute_batch("BEGIN IMMEDIATE");
    begun.map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy) => MigrateError::Locked {
            name: BOOKKEEPING.into(),
            waited: patience,
            cause: error.to_string(),
        },
        _ => failed(BOOKKEEPING, &error),
    })?;
    let books = read(connection).map_err(|error| failed(BOOKKEEPING, &error))?;
    let Some(migration) = plan::pending(known, &books.applied, to)?.first().copied() else {
        return Ok(None);
    };
    prepare(connection, &books).map_err(|error| failed(BOOKKEEPING, &error))?;
    apply(connection, &migration).map_err(|error| failed(migration.name, &error))?;
    Ok(Some(migration))
}

fn prepare(connection: &Connection, books: &Books) -> rusqlite::Result<()> {
    if !books.old {
        return connection.execute_batch(CREATE);
    }
    let steps = [PUT_ASIDE, CREATE, CARRY_OVER, legacy::DIVIDE];
    steps.into_iter().try_for_each(|sql| connection.execute_batch(sql))
}

fn apply(connection: &Connection, migration: &Migration) -> rusqlite::Result<()> {
    connection.execute_batch(migration.sql)?;
    let broken: Option<String> =
        connection.query_row("PRAGMA foreign_key_check", [], |row| row.get(0)).optional()?;
    if let Some(table) = broken {
        let cause = format!("rows of {table} refer to rows that do not exist");
        return Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(787), Some(cause)));
    }
    connection.execute(
        "INSERT INTO schema_migrations (version, name, checksum, applied_at, series)
         VALUES (?1, ?2, ?3, CAST(unixepoch('subsec') * 1000 AS INTEGER), ?4)",
        (migration.version, migration.name, migration.checksum(), migration.series),
    )?;
    connection.execute_batch("COMMIT")
}

/// What is applied; nothing before the first migration.
fn read(connection: &Connection) -> rusqlite::Result<Books> {
    // A statement, not `table_exists`, which would not see what another process has just made.
    let exists = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations')";
    if !connection.query_row(exists, [], |row| row.get::<_, bool>(0))? {
        return Ok(Books::default());
    }
    // All columns: old books have no `series`.
    let mut statement = connection.prepare("SELECT * FROM schema_migrations ORDER BY version")?;
    let rows = statement.query_map([], |row| {
        let applied = Applied {
            series: String::new(),
            version: row.get(0)?,
            name: row.get(1)?,
            checksum: row.get(2)?,
            at: Timestamp::from_millis(row.get(3)?),
        };
        Ok((row.get(4).ok(), applied))
    })?;
    Ok(Books::of(rows.collect::<rusqlite::Result<_>>()?))
}

fn failed(name: &str, error: &rusqlite::Error) -> MigrateError {
    MigrateError::Failed { name: name.to_owned(), cause: error.to_string() }
}

fn busy(error: &DatabaseError) -> MigrateError {
    MigrateError::Unreachable(error.to_string())
}
