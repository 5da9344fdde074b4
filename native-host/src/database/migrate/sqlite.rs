use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension as _};
use trireme_core::{Timestamp, migrations::Migration, sql::DatabaseError};

use super::{
    BOOKKEEPING, MigrateError,
    plan::{self, Applied},
};
use crate::database::sqlite::Sqlite;

const CREATE: &str = "
    CREATE TABLE IF NOT EXISTS schema_migrations (
        version INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        checksum TEXT NOT NULL,
        applied_at INTEGER NOT NULL
    ) STRICT";

pub async fn applied(database: &Sqlite) -> Result<Vec<Applied>, MigrateError> {
    let applied = database.write(read).await.map_err(|error| busy(&error))?;
    applied.map_err(|error| failed(BOOKKEEPING, &error))
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
    let applied = read(connection).map_err(|error| failed(BOOKKEEPING, &error))?;
    let Some(migration) = plan::pending(known, &applied, to)?.first().copied() else {
        return Ok(None);
    };
    apply(connection, &migration).map_err(|error| failed(migration.name, &error))?;
    Ok(Some(migration))
}

fn apply(connection: &Connection, migration: &Migration) -> rusqlite::Result<()> {
    connection.execute_batch(CREATE)?;
    connection.execute_batch(migration.sql)?;
    let broken: Option<String> =
        connection.query_row("PRAGMA foreign_key_check", [], |row| row.get(0)).optional()?;
    if let Some(table) = broken {
        let cause = format!("rows of {table} refer to rows that do not exist");
        return Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(787), Some(cause)));
    }
    connection.execute(
        "INSERT INTO schema_migrations (version, name, checksum, applied_at)
         VALUES (?1, ?2, ?3, CAST(unixepoch('subsec') * 1000 AS INTEGER))",
        (migration.version, migration.name, migration.checksum()),
    )?;
    connection.execute_batch("COMMIT")
}

/// What is applied; nothing before the first migration.
fn read(connection: &Connection) -> rusqlite::Result<Vec<Applied>> {
    // A statement, not `table_exists`, which would not see what another process has just made.
    let exists = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations')";
    if !connection.query_row(exists, [], |row| row.get::<_, bool>(0))? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare(
        "SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Applied {
            version: row.get(0)?,
            name: row.get(1)?,
            checksum: row.get(2)?,
            at: Timestamp::from_millis(row.get(3)?),
        })
    })?;
    rows.collect()
}

fn failed(name: &str, error: &rusqlite::Error) -> MigrateError {
    MigrateError::Failed { name: name.to_owned(), cause: error.to_string() }
}

fn busy(error: &DatabaseError) -> MigrateError {
    MigrateError::Unreachable(error.to_string())
}
