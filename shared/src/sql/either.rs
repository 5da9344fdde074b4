use std::borrow::Cow;

use uuid::Uuid;

use super::{DecodeError, Row};
use crate::{Date, Json, Timestamp, sqlite};

/// A row of PostgreSQL's or of SQLite's, for a host that speaks to both.
pub enum Either<P> {
    Postgres(P),
    Sqlite(sqlite::Row),
}

impl<P> From<sqlite::Row> for Either<P> {
    fn from(row: sqlite::Row) -> Self {
        Self::Sqlite(row)
    }
}

macro_rules! either {
    ($($column:ident -> $type:ty;)*) => {
        impl<P: Row> Row for Either<P> {
            $(fn $column(&self, column: usize) -> Result<Option<$type>, DecodeError> {
                match self {
                    Self::Postgres(row) => row.$column(column),
                    Self::Sqlite(row) => row.$column(column),
                }
            })*
        }
    };
}
either! {
    bool -> bool;
    int -> i64;
    text -> &str;
    uuid -> Uuid;
    time -> Timestamp;
    float -> f64;
    bytes -> Cow<'_, [u8]>;
    date -> Date;
    json -> Json;
}
