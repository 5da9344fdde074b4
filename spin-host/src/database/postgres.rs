//! PostgreSQL through Spin's pool, which lends connections as they were left and knows few
//! types. So a batch is one statement, `run_batch` of the schema: there is no transaction that
//! could be left open, arguments are text that the statements cast, and rows come as JSON.

use std::{fmt::Write as _, sync::OnceLock};

use spin_sdk::pg::{Connection, DbValue, Error, ParameterValue, PgError, QueryError};
use trireme_core::{
    Secret, Timestamp,
    config::{self, PostgresUrl},
    host::Scope,
    sql::{Access, DatabaseError, Statement, Value},
    sqlstate,
};

use super::Row;
use crate::host::within;

/// What the server shows as the origin of our connections.
const APPLICATION_NAME: &str = "trireme";

/// A batch as `run_batch` takes it.
#[derive(Default)]
struct Batch {
    texts: Vec<Option<String>>,
    giving: Vec<Option<i32>>,
    arguments: Vec<Option<String>>,
}

impl Batch {
    fn push(&mut self, text: &str, gives: bool, arguments: &[Value<'_>]) {
        let before = self.arguments.len();
        self.texts.push(Some(with_casts(text, arguments, before)));
        self.arguments.extend(arguments.iter().map(as_text));
        if gives {
            self.giving.push(Some(self.texts.len() as i32));
        }
    }

    fn add(&mut self, statement: &Statement<'_>) {
        self.push(&statement.text, statement.gives_rows(), &statement.arguments);
    }

    /// What comes before the statements: how long they may wait for a lock, the time zone in which
    /// moments are written (others have offsets of odd seconds in the past), and the user.
    fn open(limits: &config::Database, scope: Scope) -> Self {
        let mut batch = Self::default();
        let limit = limits.statement_timeout.as_millis().to_string();
        let settings =
            "SELECT set_config('lock_timeout', $1, true), set_config('TimeZone', 'UTC', true)";
        batch.push(settings, false, &[limit.into()]);
        if let Scope::User { user, session } = scope {
            batch.push("SELECT enter_user($1, $2)", false, &[user.into(), session.into()]);
        }
        batch
    }
}

pub async fn batch(
    url: &PostgresUrl,
    limits: &config::Database,
    scope: Scope,
    statements: &[Statement<'_>],
) -> Result<Vec<Vec<Row>>, DatabaseError> {
    // Spin keeps a pool for each text.
    static ADDRESS: OnceLock<Secret> = OnceLock::new();

    let mut batch = Batch::open(limits, scope);
    let opening = batch.texts.len();
    for statement in statements {
        batch.add(statement);
    }

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
    let text = "SELECT number, result::text FROM run_batch($1, $2, $3)";
    let mut found = connection.query(text, arguments).await.map_err(failed)?;
    #[cfg(feature = "fault-injection")]
    crate::faults::strike();

    let mut rows: Vec<Vec<Row>> = statements.iter().map(|_| Vec::new()).collect();
    while let Some(columns) = found.rows().next().await {
        let (number, row) = read(&columns)
            .ok_or_else(|| DatabaseError::Failed("run_batch gave no such row".to_owned()))?;
        let statement = (number as usize).checked_sub(opening + 1);
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

/// The statement with each `$n` as a cast of one of `run_batch`'s arguments, of which there are
/// already some `before`. NULL has no type, so that it is given the one that is due.
fn with_casts(text: &str, arguments: &[Value<'_>], before: usize) -> String {
    let mut parts = text.split('$');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let at = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        match at.and_then(|at| Some((at, arguments.get(at)?))) {
            Some((_, Value::Null)) => whole.push_str("NULL"),
            Some((at, value)) => {
                let _ = write!(whole, "CAST(($1)[{}] AS {})", before + at + 1, type_of(value));
            }
            // The server will say that there is no such argument.
            None => {
                whole.push('$');
                whole.push_str(number);
            }
        }
        whole.push_str(rest);
    }
    whole
}

const fn type_of(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null | Value::Text(_) => "text",
        Value::Bool(_) => "boolean",
        Value::Int(_) => "bigint",
        Value::Uuid(_) => "uuid",
        Value::Time(_) => "timestamptz",
    }
}

fn as_text(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Text(text) => text.clone().into_owned(),
        Value::Uuid(id) => id.to_string(),
        Value::Time(Timestamp::INFINITY) => "infinity".to_owned(),
        Value::Time(time) => time.rfc3339().to_string(),
    })
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
