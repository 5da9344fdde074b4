//! What the SQLite family shares: native, D1 and Spin's.

use std::{borrow::Cow, fmt::Write as _};

use crate::{
    Date, Json, Timestamp, Uuid,
    host::Scope,
    sql::{self, DatabaseError, DecodeError, Statement, Value},
};

/// What a column or an argument holds. Ids, days and JSON are text, moments are milliseconds.
#[derive(Clone, PartialEq)]
pub enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// SQLite has no infinity for its whole numbers, but orders every text after them, and this one
/// after every day.
const INFINITY: &str = "infinity";

impl From<&Value<'_>> for Cell {
    fn from(argument: &Value<'_>) -> Self {
        match argument {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Integer(i64::from(*value)),
            Value::Int(value) => Self::Integer(*value),
            Value::Text(text) => Self::Text(text.clone().into_owned()),
            Value::Uuid(id) => Self::Text(id.to_string()),
            Value::Time(Timestamp::INFINITY) | Value::Date(Date::INFINITY) => {
                Self::Text(INFINITY.to_owned())
            }
            Value::Time(time) => Self::Integer(time.millis()),
            Value::Float(number) => Self::Real(*number),
            Value::Bytes(bytes) => Self::Blob(bytes.clone().into_owned()),
            Value::Date(date) => Self::Text(date.iso().to_owned()),
            Value::Json(text) => Self::Text(text.clone()),
        }
    }
}

/// One row, out of the hands of the connection that it was read on.
pub struct Row(pub Vec<Cell>);

impl Row {
    /// About what it holds, in bytes.
    pub fn size(&self) -> usize {
        let lengths = self.0.iter().map(|cell| match cell {
            Cell::Text(text) => text.len(),
            Cell::Blob(bytes) => bytes.len(),
            _ => 0,
        });
        lengths.sum::<usize>() + self.0.len() * size_of::<Cell>()
    }

    fn cell(&self, column: usize) -> Result<&Cell, DecodeError> {
        self.0.get(column).ok_or(DecodeError { column })
    }
}

impl sql::Row for Row {
    fn bool(&self, column: usize) -> Result<Option<bool>, DecodeError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Integer(0) => Ok(Some(false)),
            Cell::Integer(1) => Ok(Some(true)),
            _ => Err(DecodeError { column }),
        }
    }

    fn int(&self, column: usize) -> Result<Option<i64>, DecodeError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Integer(number) => Ok(Some(*number)),
            _ => Err(DecodeError { column }),
        }
    }

    fn text(&self, column: usize) -> Result<Option<&str>, DecodeError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            _ => Err(DecodeError { column }),
        }
    }

    fn uuid(&self, column: usize) -> Result<Option<Uuid>, DecodeError> {
        let text = self.text(column)?;
        text.map(Uuid::try_parse).transpose().map_err(|_| DecodeError { column })
    }

    fn time(&self, column: usize) -> Result<Option<Timestamp>, DecodeError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Integer(millis) => Ok(Some(Timestamp::from_millis(*millis))),
            Cell::Text(text) if text == INFINITY => Ok(Some(Timestamp::INFINITY)),
            _ => Err(DecodeError { column }),
        }
    }

    /// D1 gives `1.0` as `1`.
    fn float(&self, column: usize) -> Result<Option<f64>, DecodeError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Real(number) if number.is_finite() => Ok(Some(*number)),
            Cell::Integer(number) if number.unsigned_abs() <= 1 << 53 => Ok(Some(*number as f64)),
            _ => Err(DecodeError { column }),
        }
    }

    fn bytes(&self, column: usize) -> Result<Option<Cow<'_, [u8]>>, DecodeError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Blob(bytes) => Ok(Some(bytes.into())),
            _ => Err(DecodeError { column }),
        }
    }

    fn date(&self, column: usize) -> Result<Option<Date>, DecodeError> {
        match self.text(column)? {
            None => Ok(None),
            Some(INFINITY) => Ok(Some(Date::INFINITY)),
            Some(text) => Date::parse(text).map(Some).ok_or(DecodeError { column }),
        }
    }

    fn json(&self, column: usize) -> Result<Option<Json>, DecodeError> {
        let Some(text) = self.text(column)? else { return Ok(None) };
        let json = Json::parse(text).ok_or(DecodeError { column })?;
        Ok(Some(json).filter(|json| !json.is_null()))
    }
}

/// The first statement of [`Scope::User`]: it fails when account or session are not alive, and
/// with it the whole batch. SQLite has no `RAISE` outside triggers; but it quotes a path of JSON
/// that it can't read, so these words reach [`database_error`], and no other fault has them.
pub fn enter(scope: Scope) -> Option<Statement<'static>> {
    let Scope::User { user, session } = scope else { return None };
    Some(match session {
        Some(session) => Statement::read(
            "-- enter_session
             SELECT CASE WHEN EXISTS (
                 SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id AND u.generation = s.generation
                 WHERE s.id = $1 AND u.id = $2 AND u.disabled_at IS NULL
             ) THEN 1 ELSE json_extract('{}', 'the session of trireme ended') END",
            vec![Value::Uuid(session), Value::Uuid(user)],
        ),
        None => Statement::read(
            "-- enter_account
             SELECT CASE WHEN EXISTS (
                 SELECT 1 FROM users WHERE id = $1 AND disabled_at IS NULL
             ) THEN 1 ELSE json_extract('{}', 'the session of trireme ended') END",
            vec![Value::Uuid(user)],
        ),
    })
}

/// SQLite says what went wrong in words; the same words reach us through D1 and Spin.
pub fn database_error(message: &str) -> DatabaseError {
    if message.contains("the session of trireme ended") {
        return DatabaseError::SessionEnded;
    }
    if let Some((_, columns)) = message.split_once("UNIQUE constraint failed: ") {
        return DatabaseError::Constraint(unique_name(columns));
    }
    if let Some((_, name)) = message.split_once("CHECK constraint failed: ") {
        // D1 has its own code behind the name.
        let name = name.split(':').next().unwrap_or(name);
        return DatabaseError::Constraint(name.trim().to_owned());
    }
    if message.contains("FOREIGN KEY constraint failed") {
        // It does not say which.
        return DatabaseError::Constraint("some_fkey".to_owned());
    }
    if message.contains("database is locked") || message.contains("unable to open") {
        return DatabaseError::Unavailable(message.to_owned());
    }
    if ["no such table", "no such column", "has no column"].iter().any(|it| message.contains(it)) {
        return DatabaseError::Undefined(message.to_owned());
    }
    DatabaseError::Failed(message.to_owned())
}

/// `contexts.user_id, contexts.name` is `contexts_user_id_name_key` on PostgreSQL.
fn unique_name(columns: &str) -> String {
    let end = columns.find([':', '(', '\n']).unwrap_or(columns.len());
    let mut name = String::new();
    for column in columns[..end].split(',').map(str::trim) {
        let (table, column) = column.split_once('.').unwrap_or(("", column));
        if name.is_empty() {
            name.push_str(table);
        }
        name.push('_');
        name.push_str(column);
    }
    name + "_key"
}

/// Whether a row of these columns survives as a JavaScript object, which is how D1 gives it: no
/// two have one name, and none is a number, which would come first.
pub fn are_distinct(columns: &[&str]) -> bool {
    columns.iter().enumerate().all(|(at, name)| {
        !columns[..at].contains(name) && (columns.len() == 1 || name.parse::<u32>().is_err())
    })
}

/// `$n` as SQLite and D1 number their parameters: `?n`.
pub fn question_marks(text: &str) -> String {
    sql::with_arguments(text, |whole, number| write!(whole, "?{number}").is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_constraints_as_postgres_does() {
        let named = |message| match database_error(message) {
            DatabaseError::Constraint(name) => name,
            other => panic!("{other}"),
        };
        assert_eq!(named("UNIQUE constraint failed: users.email"), "users_email_key");
        assert_eq!(
            named(
                "D1_ERROR: UNIQUE constraint failed: contexts.user_id, contexts.name: SQLITE_CONSTRAINT"
            ),
            "contexts_user_id_name_key"
        );
        assert_eq!(
            named("D1_ERROR: FOREIGN KEY constraint failed: SQLITE_CONSTRAINT"),
            "some_fkey"
        );
        assert_eq!(named("CHECK constraint failed: tasks_status_check"), "tasks_status_check");
        assert_eq!(
            named("D1_ERROR: CHECK constraint failed: tasks_status_check: SQLITE_CONSTRAINT"),
            "tasks_status_check"
        );
        assert!(matches!(database_error("malformed JSON"), DatabaseError::Failed(_)));
        for missing in [
            "no such table: users",
            "D1_ERROR: no such table: d1_migrations: SQLITE_ERROR",
            "D1_ERROR: no such column: sealed at offset 7: SQLITE_ERROR",
            "table users has no column named sealed",
        ] {
            assert!(matches!(database_error(missing), DatabaseError::Undefined(_)), "{missing}");
        }
    }
}
