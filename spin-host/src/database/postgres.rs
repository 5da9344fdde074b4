//! PostgreSQL through Spin's pool, which lends connections as they were left and knows few
//! types. So a batch is one statement, `run_batch` of the schema: there is no transaction that
//! could be left open.

use std::sync::OnceLock;

use spin_sdk::pg::{Connection, DbValue, Error, ParameterValue, PgError, QueryError};
use trireme_core::{
    Secret,
    config::{self, PostgresUrl},
    host::Scope,
    run_batch::{self, Batch},
    sql::{Access, DatabaseError, Statement},
    sqlstate,
};

use super::Row;
use crate::platform::within;

/// What the server shows as the origin of our connections.
const APPLICATION_NAME: &str = "trireme";

pub async fn batch(
    url: &PostgresUrl,
    limits: &config::Database,
    scope: Scope,
    statements: &[Statement<'_>],
) -> Result<Vec<Vec<Row>>, DatabaseError> {
    // Spin keeps a pool for each text.
    static ADDRESS: OnceLock<Secret> = OnceLock::new();

    let batch = Batch::new(limits.statement_timeout, scope, statements);
    let address = ADDRESS.get_or_init(|| url.written(APPLICATION_NAME, |_| true));
    let connection = within(limits.acquire_timeout, Connection::open(address.reveal())).await;
    let connection = connection
        .ok_or_else(|| DatabaseError::Unavailable("no connection in time".to_owned()))?
        .map_err(|error| failure(&error, false))?;

    let writes = statements.iter().any(|statement| statement.access == Access::Write);
    let failed = |error: Error| failure(&error, writes);
    let arguments = [
        ParameterValue::ArrayStr(batch.texts),
        ParameterValue::ArrayInt32(batch.giving),
        ParameterValue::ArrayStr(batch.arguments),
    ];
    let mut found = connection.query(run_batch::TEXT, arguments).await.map_err(failed)?;
    #[cfg(feature = "fault-injection")]
    crate::faults::strike();

    let mut rows: Vec<Vec<Row>> = statements.iter().map(|_| Vec::new()).collect();
    while let Some(columns) = found.rows().next().await {
        let (number, row) = read(&columns)
            .ok_or_else(|| DatabaseError::Failed("run_batch gave no such row".to_owned()))?;
        let statement = (number as usize).checked_sub(batch.opening + 1);
        if let Some(rows) = statement.and_then(|number| rows.get_mut(number)) {
            rows.push(row);
        }
    }
    found.result().await.map_err(failed)?;
    Ok(rows)
}

fn read(columns: &[DbValue]) -> Option<(i32, Row)> {
    let [DbValue::Int32(number), DbValue::Str(row)] = columns else { return None };
    Some((*number, Row::Postgres(serde_json::from_str(row).ok()?)))
}

/// Spin's texts hold traces of its own code: their first lines are for the log alone.
fn failure(error: &Error, writes: bool) -> DatabaseError {
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    match error {
        Error::PgError(PgError::QueryFailed(QueryError::DbError(error))) => {
            let constraint = error.extras.iter().find(|(name, _)| name == "constraint");
            sqlstate::error(&error.code, &error.message, constraint.map(|(_, name)| name.as_str()))
        }
        Error::PgError(PgError::ConnectionFailed(text)) => DatabaseError::Unavailable(first(text)),
        // The connection broke, and with it the word about what became of the statement.
        Error::PgError(PgError::QueryFailed(QueryError::Text(text))) if writes => {
            DatabaseError::OutcomeUnknown(first(text))
        }
        Error::PgError(PgError::QueryFailed(QueryError::Text(text))) => {
            DatabaseError::Unavailable(first(text))
        }
        other => DatabaseError::Failed(first(&other.to_string())),
    }
}
