//! Rows of PostgreSQL as JSON.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{
        IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::Value;

use crate::{
    Date, Json, Timestamp, Uuid,
    sql::{self, DecodeError},
};

/// A column, as `row_to_json` writes it.
enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// What no other column is: a list, an object, a number that only JSON has.
    Json(Value),
}

/// By what is met. An untagged enumeration would try one kind after the other, and each that does not
/// fit would write the whole text into an error that nobody reads.
impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Met;
        impl<'de> Visitor<'de> for Met {
            type Value = Cell;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON")
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
            fn visit_u64<E>(self, value: u64) -> Result<Cell, E> {
                Ok(value.try_into().map_or_else(|_| Cell::Json(value.into()), Cell::Int))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Cell, E> {
                Ok(Cell::Float(value))
            }
            fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
                Ok(Cell::Text(text.to_owned()))
            }
            fn visit_string<E>(self, text: String) -> Result<Cell, E> {
                Ok(Cell::Text(text))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Cell, A::Error> {
                Value::deserialize(SeqAccessDeserializer::new(items)).map(Cell::Json)
            }
            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Cell, A::Error> {
                Value::deserialize(MapAccessDeserializer::new(entries)).map(Cell::Json)
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
    /// PostgreSQL writes `1.0` as `1`, and with an exponent what is greater than its digits can tell.
    fn float(&self, column: usize) -> Result<Option<f64>, DecodeError> {
        match self.0.get(column) {
            Some(Cell::Int(number)) => Ok(Some(*number as f64)),
            _ => column!(self, column, Cell::Float(number) => Some(*number + 0.0)),
        }
    }
    fn bytes(&self, column: usize) -> Result<Option<Cow<'_, [u8]>>, DecodeError> {
        column!(self, column, Cell::Text(text) => hexadecimal(text).map(Cow::Owned))
    }
    fn date(&self, column: usize) -> Result<Option<Date>, DecodeError> {
        column!(self, column, Cell::Text(value) => match value.as_str() {
            "infinity" => Some(Date::INFINITY),
            text => Date::parse(text),
        })
    }
    fn json(&self, column: usize) -> Result<Option<Json>, DecodeError> {
        let value = match self.0.get(column).ok_or(DecodeError { column })? {
            Cell::Null => return Ok(None),
            Cell::Bool(value) => Value::from(*value),
            Cell::Int(number) => Value::from(*number),
            Cell::Float(number) => Value::from(*number),
            Cell::Text(text) => Value::from(text.as_str()),
            Cell::Json(value) => value.clone(),
        };
        Json::new(value).map(Some).ok_or(DecodeError { column })
    }
}

/// `\x00ff`, as PostgreSQL writes a `bytea`.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    pairs.iter().map(|&[high, low]| Some((digit(high)? * 16 + digit(low)?) as u8)).collect()
}
