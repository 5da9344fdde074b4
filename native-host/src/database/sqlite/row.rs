//! rusqlite's values as the SQLite family's.

use rusqlite::{
    Result, ToSql,
    types::{ToSqlOutput, ValueRef},
};
use trireme_core::sqlite::Cell;

/// A column of the current row.
pub fn cell(value: ValueRef<'_>) -> Result<Cell> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Text(_) => Cell::Text(value.as_str()?.to_owned()),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Blob(bytes) => Cell::Blob(bytes.to_owned()),
    })
}

/// An argument to bind.
pub struct Bound<'a>(pub &'a Cell);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Cell::Null => ValueRef::Null,
            Cell::Integer(number) => ValueRef::Integer(*number),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Real(number) => ValueRef::Real(*number),
            Cell::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
