use rusqlite::types::Value;
use shared::{
    Timestamp, Uuid,
    sql::{self, DecodeError},
};

/// SQLite has no infinity for its whole numbers, but orders every text after them.
pub const INFINITY: &str = "infinity";

/// One row, out of the hands of the connection that it was read on.
pub struct Row(pub Vec<Value>);

impl Row {
    fn column(&self, column: usize) -> Result<&Value, DecodeError> {
        self.0.get(column).ok_or(DecodeError { column })
    }
}

impl sql::Row for Row {
    fn bool(&self, column: usize) -> Result<Option<bool>, DecodeError> {
        match self.column(column)? {
            Value::Null => Ok(None),
            Value::Integer(0) => Ok(Some(false)),
            Value::Integer(1) => Ok(Some(true)),
            _ => Err(DecodeError { column }),
        }
    }

    fn int(&self, column: usize) -> Result<Option<i64>, DecodeError> {
        match self.column(column)? {
            Value::Null => Ok(None),
            Value::Integer(number) => Ok(Some(*number)),
            _ => Err(DecodeError { column }),
        }
    }

    fn text(&self, column: usize) -> Result<Option<&str>, DecodeError> {
        match self.column(column)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            _ => Err(DecodeError { column }),
        }
    }

    fn uuid(&self, column: usize) -> Result<Option<Uuid>, DecodeError> {
        let text = self.text(column)?;
        text.map(Uuid::try_parse).transpose().map_err(|_| DecodeError { column })
    }

    fn time(&self, column: usize) -> Result<Option<Timestamp>, DecodeError> {
        match self.column(column)? {
            Value::Null => Ok(None),
            Value::Integer(millis) => Ok(Some(Timestamp::from_millis(*millis))),
            Value::Text(text) if text == INFINITY => Ok(Some(Timestamp::INFINITY)),
            _ => Err(DecodeError { column }),
        }
    }
}

/// An argument as SQLite stores it.
pub fn value(argument: &sql::Value<'_>) -> Value {
    match argument {
        sql::Value::Null => Value::Null,
        sql::Value::Bool(value) => Value::Integer(i64::from(*value)),
        sql::Value::Int(value) => Value::Integer(*value),
        sql::Value::Text(text) => Value::Text(text.clone().into_owned()),
        sql::Value::Uuid(id) => Value::Text(id.to_string()),
        sql::Value::Time(Timestamp::INFINITY) => Value::Text(INFINITY.to_owned()),
        sql::Value::Time(time) => Value::Integer(time.millis()),
    }
}
