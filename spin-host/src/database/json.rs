//! Rows of PostgreSQL as JSON, since Spin can't read a `timestamptz`.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use shared::{
    Timestamp, Uuid,
    sql::{self, DecodeError},
};

/// A column, as `row_to_json` writes it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
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
