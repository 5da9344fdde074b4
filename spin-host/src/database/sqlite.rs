//! Spin's SQLite: a connection is a request's own while a batch runs, and kept for the next
//! one only if it ended well. Any other is closed, which ends its transaction.

use std::cell::RefCell;

use spin_sdk::sqlite::{Connection, Error, Value};
use trireme_core::{
    config,
    host::Scope,
    sql::{Access, DatabaseError, Statement},
    sqlite::{self, Cell},
};

use super::Row;

/// Connections that an instance keeps; it serves about as many requests at once.
const KEPT: usize = 16;

thread_local! {
    /// Between batches, outside any transaction.
    static IDLE: RefCell<Vec<Connection>> = const { RefCell::new(Vec::new()) };
}

pub async fn batch(
    label: &str,
    limits: &config::Database,
    scope: Scope,
    statements: &[Statement<'_>],
) -> Result<Vec<Vec<Row>>, DatabaseError> {
    let idle = IDLE.with_borrow_mut(Vec::pop);
    let connection = match idle {
        Some(connection) => connection,
        None => open(label, limits).await?,
    };
    let reads = statements.iter().all(|statement| statement.access == Access::Read);
    run(&connection, if reads { "BEGIN" } else { "BEGIN IMMEDIATE" }).await?;

    let enter = sqlite::enter(scope);
    let mut rows = Vec::with_capacity(statements.len());
    if let Some(enter) = &enter {
        query(&connection, enter).await?;
    }
    for statement in statements {
        rows.push(query(&connection, statement).await?);
        #[cfg(feature = "fault-injection")]
        crate::faults::strike();
    }
    run(&connection, "COMMIT").await?;
    IDLE.with_borrow_mut(|idle| {
        if idle.len() < KEPT {
            idle.push(connection);
        }
    });
    Ok(rows)
}

async fn open(label: &str, limits: &config::Database) -> Result<Connection, DatabaseError> {
    let connection = Connection::open(label).await.map_err(|error| failure(&error))?;
    // Waiting for others' locks is what waiting for a connection is elsewhere.
    let patience = limits.acquire_timeout.as_millis();
    run(&connection, &format!("PRAGMA busy_timeout = {patience}")).await?;
    run(&connection, "PRAGMA foreign_keys = ON").await?;
    Ok(connection)
}

async fn run(connection: &Connection, text: &str) -> Result<(), DatabaseError> {
    let done = connection.execute(text, []).await.map_err(|error| failure(&error))?;
    done.collect().await.map(drop).map_err(|error| failure(&error))
}

async fn query(
    connection: &Connection,
    statement: &Statement<'_>,
) -> Result<Vec<Row>, DatabaseError> {
    let text = sqlite::question_marks(&statement.text);
    let arguments = statement.arguments.iter().map(|argument| match Cell::from(argument) {
        Cell::Integer(number) => Value::Integer(number),
        Cell::Text(text) => Value::Text(text),
        Cell::Real(number) => Value::Real(number),
        Cell::Blob(bytes) => Value::Blob(bytes),
        Cell::Null => Value::Null,
    });
    let found = connection.execute(text, arguments).await.map_err(|error| failure(&error))?;
    let rows = found.collect().await.map_err(|error| failure(&error))?;
    Ok(rows.into_iter().map(|row| sqlite::Row(cells(row.values)).into()).collect())
}

fn cells(values: Vec<Value>) -> Vec<Cell> {
    let cell = |value| match value {
        Value::Null => Cell::Null,
        Value::Integer(number) => Cell::Integer(number),
        Value::Text(text) => Cell::Text(text),
        Value::Real(number) => Cell::Real(number),
        Value::Blob(bytes) => Cell::Blob(bytes),
    };
    values.into_iter().map(cell).collect()
}

fn failure(error: &Error) -> DatabaseError {
    match error {
        Error::Io(text) => sqlite::database_error(text),
        Error::DatabaseFull => DatabaseError::Unavailable("the database is full".to_owned()),
        Error::NoSuchDatabase | Error::AccessDenied => DatabaseError::Failed(
            "the component may not use this database: name it in sqlite_databases of spin.toml"
                .to_owned(),
        ),
        Error::InvalidConnection => DatabaseError::Failed("the connection is gone".to_owned()),
    }
}
