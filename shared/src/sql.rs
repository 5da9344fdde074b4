//! Statements as data: one SQL text that PostgreSQL and the SQLite family both understand.
//!
//! The dialect is `$n`, `RETURNING`, `ON CONFLICT`, booleans and `NULLS` by expression; no
//! `now()`, no `::casts`. Moments are arguments. Where an argument is only compared with NULL,
//! PostgreSQL has to be told its type: `CAST($3 AS text) IS NULL`. A statement's first line is its name:
//! `-- list_tasks`.

mod either;
pub mod join;
mod pieces;

use std::{borrow::Cow, fmt, time::Duration};

pub use either::Either;
pub use pieces::{pieces, with_arguments};
use uuid::Uuid;

use crate::{Base64, Date, Error, Json, Timestamp};

/// One argument of a statement.
#[derive(Clone, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Text(Cow<'a, str>),
    Uuid(Uuid),
    Time(Timestamp),
    /// Finite: [`Value::is_finite`] is asked before a batch is sent.
    Float(f64),
    Bytes(Cow<'a, [u8]>),
    Date(Date),
    /// The text of a [`Json`].
    Json(String),
}

impl Value<'_> {
    /// Whether every database can hold it: SQLite takes a number that is none for NULL.
    pub fn is_finite(&self) -> bool {
        !matches!(self, Self::Float(number) if !number.is_finite())
    }

    /// Without anything borrowed.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Text(text) => Value::Text(text.into_owned().into()),
            Self::Uuid(value) => Value::Uuid(value),
            Self::Time(value) => Value::Time(value),
            Self::Float(value) => Value::Float(value),
            Self::Bytes(bytes) => Value::Bytes(bytes.into_owned().into()),
            Self::Date(value) => Value::Date(value),
            Self::Json(text) => Value::Json(text),
        }
    }
}

/// Shows the kind alone: an argument may be a secret or somebody's data.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Text(_) => "text",
            Self::Uuid(_) => "uuid",
            Self::Time(_) => "time",
            Self::Float(_) => "float",
            Self::Bytes(_) => "bytes",
            Self::Date(_) => "date",
            Self::Json(_) => "json",
        })
    }
}

/// What is only looked at is bound as well: fields of an input, and of a patch.
macro_rules! borrowed {
    ($($type:ty),*) => {
        $(impl From<&$type> for Value<'_> {
            fn from(value: &$type) -> Self {
                (*value).into()
            }
        })*
    };
}
borrowed!(bool, i64, f64, Uuid, Timestamp, Date);

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        value.as_str().into()
    }
}
impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}
impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}
impl From<Uuid> for Value<'_> {
    fn from(value: Uuid) -> Self {
        Self::Uuid(value)
    }
}
impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Time(value)
    }
}
/// SQLite keeps no sign of zero, so no database gets one.
impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Self::Float(value + 0.0)
    }
}
impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}
impl<'a, const MOST: usize> From<Base64<'a, MOST>> for Value<'a> {
    fn from(value: Base64<'a, MOST>) -> Self {
        Self::Bytes(value.0)
    }
}
impl<'a, const MOST: usize> From<&'a Base64<'_, MOST>> for Value<'a> {
    fn from(value: &'a Base64<'_, MOST>) -> Self {
        Self::from(&*value.0)
    }
}
impl From<Date> for Value<'_> {
    fn from(value: Date) -> Self {
        Self::Date(value)
    }
}
impl From<&Json> for Value<'_> {
    fn from(value: &Json) -> Self {
        if value.is_null() { Self::Null } else { Self::Json(value.text()) }
    }
}
impl From<Json> for Value<'_> {
    fn from(value: Json) -> Self {
        Self::from(&value)
    }
}
impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Whether a statement only reads; a batch of reads may run on a reader's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// One SQL statement with its arguments; `$n` is `arguments[n - 1]`.
#[derive(Clone)]
pub struct Statement<'a> {
    pub text: Cow<'static, str>,
    pub access: Access,
    pub arguments: Vec<Value<'a>>,
}

impl<'a> Statement<'a> {
    pub fn read(text: impl Into<Cow<'static, str>>, arguments: Vec<Value<'a>>) -> Self {
        Self { text: text.into(), access: Access::Read, arguments }
    }

    pub fn write(text: impl Into<Cow<'static, str>>, arguments: Vec<Value<'a>>) -> Self {
        Self { text: text.into(), access: Access::Write, arguments }
    }

    /// Adds an argument and gives its number, for a text that is put together.
    pub fn bind(&mut self, value: impl Into<Value<'a>>) -> usize {
        self.arguments.push(value.into());
        self.arguments.len()
    }

    /// The name in the first line, for logs and errors.
    pub fn name(&self) -> &str {
        let first = self.text.lines().next().unwrap_or_default();
        first.strip_prefix("-- ").unwrap_or("unnamed")
    }

    /// Whether it gives rows: it reads, or it says `RETURNING`, in any case, where that is a keyword.
    pub fn gives_rows(&self) -> bool {
        self.access == Access::Read || has_keyword(&self.text, "returning")
    }
}

/// Whether a word stands in SQL outside of quotes and comments.
fn has_keyword(sql: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    pieces(sql)
        .filter(|(_, is_code)| *is_code)
        .any(|(code, _)| code.split(|c| !is_word(c)).any(|token| token.eq_ignore_ascii_case(word)))
}

impl fmt::Debug for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.name(), self.arguments)
    }
}

/// One row of a result, its columns by position from 0.
pub trait Row {
    fn bool(&self, column: usize) -> Result<Option<bool>, DecodeError>;
    fn int(&self, column: usize) -> Result<Option<i64>, DecodeError>;
    fn text(&self, column: usize) -> Result<Option<&str>, DecodeError>;
    fn uuid(&self, column: usize) -> Result<Option<Uuid>, DecodeError>;
    fn time(&self, column: usize) -> Result<Option<Timestamp>, DecodeError>;

    // What the core itself has no columns of is not in a `dyn Row`, so that a Worker whose product
    // has none either is spared the code.
    fn float(&self, column: usize) -> Result<Option<f64>, DecodeError>
    where
        Self: Sized;
    fn bytes(&self, column: usize) -> Result<Option<Cow<'_, [u8]>>, DecodeError>
    where
        Self: Sized;
    fn date(&self, column: usize) -> Result<Option<Date>, DecodeError>
    where
        Self: Sized;
    fn json(&self, column: usize) -> Result<Option<Json>, DecodeError>
    where
        Self: Sized;

    /// A column as the type that the caller names; `Option<T>` where it may be NULL.
    fn get<'r, T: Column<'r>>(&'r self, column: usize) -> Result<T, DecodeError>
    where
        Self: Sized,
    {
        T::read(self, column)
    }
}

/// A type that a column can be read as.
pub trait Column<'r>: Sized {
    /// What it is read as: a method of [`Row`] by its name.
    const KIND: &'static str;
    /// Whether NULL can be read.
    const NULLABLE: bool;
    fn read<R: Row>(row: &'r R, column: usize) -> Result<Self, DecodeError>;
}

macro_rules! column {
    ($type:ty, $method:ident) => {
        impl<'r> Column<'r> for Option<$type> {
            const KIND: &'static str = stringify!($method);
            const NULLABLE: bool = true;
            fn read<R: Row>(row: &'r R, column: usize) -> Result<Self, DecodeError> {
                row.$method(column)
            }
        }
        impl<'r> Column<'r> for $type {
            const KIND: &'static str = stringify!($method);
            const NULLABLE: bool = false;
            fn read<R: Row>(row: &'r R, column: usize) -> Result<Self, DecodeError> {
                row.$method(column)?.ok_or(DecodeError { column })
            }
        }
    };
}
column!(bool, bool);
column!(i64, int);
column!(&'r str, text);
column!(Uuid, uuid);
column!(Timestamp, time);
column!(f64, float);
column!(Cow<'r, [u8]>, bytes);
column!(Date, date);
column!(Json, json);

impl<'r, const MOST: usize> Column<'r> for Option<Base64<'r, MOST>> {
    const KIND: &'static str = "bytes";
    const NULLABLE: bool = true;
    fn read<R: Row>(row: &'r R, column: usize) -> Result<Self, DecodeError> {
        Ok(row.bytes(column)?.map(Base64))
    }
}
impl<'r, const MOST: usize> Column<'r> for Base64<'r, MOST> {
    const KIND: &'static str = "bytes";
    const NULLABLE: bool = false;
    fn read<R: Row>(row: &'r R, column: usize) -> Result<Self, DecodeError> {
        row.get(column).map(Self)
    }
}

/// A column that does not hold what the code expects: code and schema disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    pub column: usize,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {} is missing, NULL, of another type or out of its bounds", self.column)
    }
}
impl std::error::Error for DecodeError {}

/// Why a batch failed. Texts in it are for the log, never for an answer.
#[derive(Debug)]
pub enum DatabaseError {
    /// The user or the session of [`crate::host::Scope::User`] is no longer alive.
    SessionEnded,
    /// A constraint, by its name in the PostgreSQL schema (`users_email_key`).
    Constraint(String),
    /// No connection could be had in time: the database is away, or the pool is exhausted.
    /// Nothing of the batch has happened.
    Unavailable(String),
    /// The statement limit passed, or the server cancelled it; nothing of the batch has happened.
    TimedOut(String),
    /// A batch that only reads found more than the host has memory for at the moment.
    NoRoom,
    /// The connection broke after the batch was sent and before its end was confirmed.
    OutcomeUnknown(String),
    /// Transactions that met failed one another (a deadlock, no serial order). Nothing of the
    /// batch has happened, and sent again it may well succeed.
    Conflict(String),
    /// A table, column or function is missing; nothing of the batch has happened.
    Undefined(String),
    /// The schema is not yet what this build needs; nothing of the batch has happened.
    Behind(String),
    /// Anything else: a fault in the code or the schema.
    Failed(String),
}

/// How much longer than a statement's limit at the server a host waits for a batch: an answer
/// that is under way arrives within it, and silence has another cause.
pub const GRACE: Duration = Duration::from_secs(2);

/// What it means that a batch was not answered within `limit`: a `COMMIT` may be under way.
pub fn unanswered(limit: Duration, statements: &[Statement<'_>]) -> DatabaseError {
    let cause = format!("no answer within {limit:?}");
    if statements.iter().any(|statement| statement.access == Access::Write) {
        DatabaseError::OutcomeUnknown(cause)
    } else {
        DatabaseError::TimedOut(cause)
    }
}

impl DatabaseError {
    /// The client's error that a violated constraint stands for; any other fault as it is.
    pub fn on_constraint(self, constraint: &str, error: impl FnOnce() -> Error) -> Error {
        match self {
            Self::Constraint(name) if name == constraint => error(),
            other => other.into(),
        }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionEnded => f.write_str("the session has ended"),
            Self::Constraint(name) => write!(f, "constraint {name}"),
            Self::Unavailable(cause) => write!(f, "database unavailable: {cause}"),
            Self::TimedOut(cause) => write!(f, "database timed out: {cause}"),
            Self::NoRoom => f.write_str("no memory for the rows"),
            Self::OutcomeUnknown(cause) => write!(f, "outcome unknown: {cause}"),
            Self::Conflict(cause) => write!(f, "transactions met: {cause}"),
            Self::Undefined(cause) => write!(f, "not in the schema: {cause}"),
            Self::Behind(cause) => write!(f, "the schema is behind: {cause}"),
            Self::Failed(cause) => write!(f, "database failed: {cause}"),
        }
    }
}
impl std::error::Error for DatabaseError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returning_is_a_keyword_in_any_case_and_none_in_quotes() {
        let gives = |text: &'static str| Statement::write(text, vec![]).gives_rows();
        for text in [
            "INSERT INTO notes (id) VALUES ($1) RETURNING id",
            "insert into notes (id) values ($1) returning id",
            "DELETE FROM notes\nReturning(id)",
            "UPDATE notes SET text = 'it''s -- no comment' RETURNING id",
            "UPDATE notes SET \"returned\" = 1 - 2 RETURNING id",
        ] {
            assert!(gives(text), "{text}");
        }
        for text in [
            "-- forget_returning\nDELETE FROM notes",
            "DELETE FROM notes -- RETURNING",
            "UPDATE notes SET text = 'RETURNING'",
            "UPDATE notes SET \"returning\" = 1",
            "UPDATE notes SET returning_on = 1, \u{e9}returning = 2",
            "UPDATE notes SET text = 'RETURNING",
        ] {
            assert!(!gives(text), "{text}");
        }
        assert!(Statement::read("SELECT 1", vec![]).gives_rows());
    }
}
