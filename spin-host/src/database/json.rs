//! Rows of PostgreSQL as JSON, since Spin can't read a `timestamptz`.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Unexpected, Visitor},
};
use trireme_core::{
    Timestamp, Uuid,
    sql::{self, DecodeError},
};

/// A column, as `row_to_json` writes it.
enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
}

/// By what is met. An untagged enumeration would try one kind after the other, and each that does not
/// fit would write the whole text into an error that nobody reads.
impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Met;
        impl Visitor<'_> for Met {
            type Value = Cell;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a whole number, a truth value or null")
            }

            fn visit_unit<E>(self) -> Result<Cell, E> {
                Ok(Cell::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Cell, E> {
                Ok(Cell::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Cell, E> {
                Ok(Cell::Int(value))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Cell, E> {
                let number = value.try_into();
                number
                    .map(Cell::Int)
                    .map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
            }
            fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
                Ok(Cell::Text(text.to_owned()))
            }
            fn visit_string<E>(self, text: String) -> Result<Cell, E> {
                Ok(Cell::Text(text))
            }
        }
        deserializer.deserialize_any(Met)
    }
}

/// The columns in their order. Their names are not looked at: two may have the same.
pub struct Row(Vec<Cell>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Columns;
        impl<'de> Visitor<'de> for Columns {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row as a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut cells = Vec::new();
                while let Some((IgnoredAny, cell)) = map.next_entry()? {
                    cells.push(cell);
                }
                Ok(Row(cells))
            }
        }
        deserializer.deserialize_map(Columns)
    }
}

macro_rules! column {
    ($self:ident, $column:ident, $pattern:pat => $value:expr) => {
        match $self.0.get($column) {
            Some(Cell::Null) => Ok(None),
            Some($pattern) => $value.map(Some).ok_or(DecodeError { column: $column }),
            _ => Err(DecodeError { column: $column }),
        }
    };
}

impl sql::Row for Row {
    fn bool(&self, column: usize) -> Result<Option<bool>, DecodeError> {
        column!(self, column, Cell::Bool(value) => Some(*value))
    }
    fn int(&self, column: usize) -> Result<Option<i64>, DecodeError> {
        column!(self, column, Cell::Int(value) => Some(*value))
    }
    fn text(&self, column: usize) -> Result<Option<&str>, DecodeError> {
        column!(self, column, Cell::Text(value) => Some(value.as_str()))
    }
    fn uuid(&self, column: usize) -> Result<Option<Uuid>, DecodeError> {
        column!(self, column, Cell::Text(value) => Uuid::try_parse(value).ok())
    }
    fn time(&self, column: usize) -> Result<Option<Timestamp>, DecodeError> {
        column!(self, column, Cell::Text(value) => match value.as_str() {
            "infinity" => Some(Timestamp::INFINITY),
            text => Timestamp::parse(text),
        })
    }
}
