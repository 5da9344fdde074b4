//! A batch as one statement, `run_batch` of PostgreSQL's schema, for a host that knows few of its
//! types: arguments are text that the statements cast, and rows come as JSON.

mod row;

use std::{fmt::Write as _, time::Duration};

pub use row::Row;

use crate::{
    Date, Timestamp,
    host::Scope,
    sql::{self, Statement, Value},
};

const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";

/// What runs a batch, by its three lists; gives the number of a statement, from 1, and a [`Row`].
pub const TEXT: &str = "SELECT number, result::text FROM run_batch($1, $2, $3)";

/// A batch as `run_batch` takes it.
#[derive(Default)]
pub struct Batch {
    pub texts: Vec<Option<String>>,
    pub giving: Vec<Option<i32>>,
    pub arguments: Vec<Option<String>>,
    /// How many of the texts come before the statements.
    pub opening: usize,
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

    /// Before the statements it says how long they may wait for a lock, how moments are written
    /// (other time zones have offsets of odd seconds in the past), numbers (in full) and bytes,
    /// whatever the role's settings, and who the user is.
    pub fn new(statement_timeout: Duration, scope: Scope, statements: &[Statement<'_>]) -> Self {
        let mut batch = Self::default();
        let limit = statement_timeout.as_millis().to_string();
        let settings = "SELECT set_config('lock_timeout', $1, true),
                set_config('TimeZone', 'UTC', true), set_config('extra_float_digits', '1', true),
                set_config('bytea_output', 'hex', true)";
        batch.push(settings, false, &[limit.into()]);
        if let Scope::User { user, session } = scope {
            batch.push("SELECT enter_user($1, $2)", false, &[user.into(), session.into()]);
        }
        batch.opening = batch.texts.len();
        for statement in statements {
            batch.push(&statement.text, statement.gives_rows(), &statement.arguments);
        }
        batch
    }
}

/// The statement with each `$n` as a cast of one of `run_batch`'s arguments, of which there are
/// already some `before`. NULL has no type, so that it is given the one that is due.
fn with_casts(text: &str, arguments: &[Value<'_>], before: usize) -> String {
    sql::with_arguments(text, |whole, number| {
        match number.checked_sub(1).and_then(|at| arguments.get(at)) {
            Some(Value::Null) => whole.push_str("NULL"),
            Some(value) => {
                let _ = write!(whole, "CAST(($1)[{}] AS {})", before + number, type_of(value));
            }
            // The server will say that there is no such argument.
            None => return false,
        }
        true
    })
}

const fn type_of(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null | Value::Text(_) => "text",
        Value::Bool(_) => "boolean",
        Value::Int(_) => "bigint",
        Value::Uuid(_) => "uuid",
        Value::Time(_) => "timestamptz",
        Value::Float(_) => "double precision",
        Value::Bytes(_) => "bytea",
        Value::Date(_) => "date",
        Value::Json(_) => "jsonb",
    }
}

fn as_text(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Text(text) => text.clone().into_owned(),
        Value::Uuid(id) => id.to_string(),
        Value::Time(Timestamp::INFINITY) | Value::Date(Date::INFINITY) => "infinity".to_owned(),
        Value::Time(time) => time.rfc3339().to_string(),
        Value::Float(number) => format!("{number:e}"),
        Value::Bytes(bytes) => {
            let digits =
                |byte: &u8| [byte >> 4, byte & 15].map(|digit| HEXADECIMAL[usize::from(digit)]);
            "\\x".chars().chain(bytes.iter().flat_map(digits).map(char::from)).collect()
        }
        Value::Date(date) => date.to_string(),
        Value::Json(text) => text.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_cast_where_they_are_arguments() {
        let statement = Statement::write(
            "-- costs_$1\nUPDATE t SET a = $2, b = '$1' WHERE c = $1 AND d = $3 AND e = $4",
            vec![1.into(), Value::Null, b"\x00\xff"[..].into()],
        );
        let batch = Batch::new(Duration::from_secs(1), Scope::Service, &[statement]);
        assert_eq!(
            batch.texts[1].as_deref(),
            Some(
                "-- costs_$1\nUPDATE t SET a = NULL, b = '$1' WHERE c = CAST(($1)[2] AS bigint) \
                 AND d = CAST(($1)[4] AS bytea) AND e = $4"
            )
        );
        let given: Vec<_> = batch.arguments.iter().map(Option::as_deref).collect();
        assert_eq!(given, [Some("1000"), Some("1"), None, Some("\\x00ff")]);
        assert_eq!((batch.opening, batch.giving.len()), (1, 0));
    }
}
