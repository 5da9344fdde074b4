//! A row as the server sent it.

use std::{borrow::Cow, cell::Cell, sync::Arc};

use bytes::Bytes;
use postgres_protocol::Oid;
use uuid::Uuid;

use super::value;
use crate::{
    Date, Json, Timestamp,
    sql::{self, DecodeError, Either},
};

/// A row of PostgreSQL's, in its binary form.
pub struct Row {
    /// The types of its columns.
    columns: Arc<[Oid]>,
    /// How many columns there are, in two bytes; then each value's length, in four, and the value.
    message: Bytes,
    /// A column, and where its length stands: columns are mostly read in their order, and then
    /// none is looked for.
    at: Cell<(usize, usize)>,
}

/// Where the first column's length stands.
const FIRST: (usize, usize) = (0, 2);

impl Row {
    pub(super) fn new(columns: &Arc<[Oid]>, message: Bytes) -> Self {
        Self { columns: Arc::clone(columns), message, at: Cell::new(FIRST) }
    }

    /// The value of a column and where the next begins; `None` where the message is too short.
    fn cell(&self, at: usize) -> Option<(Option<&[u8]>, usize)> {
        let (length, rest) = self.message.get(at..)?.split_first_chunk()?;
        Some(match usize::try_from(i32::from_be_bytes(*length)) {
            Ok(length) => (Some(rest.get(..length)?), at + 4 + length),
            // NULL is -1 long.
            Err(_) => (None, at + 4),
        })
    }

    fn find(&self, column: usize) -> Option<(Oid, Option<&[u8]>)> {
        let of = *self.columns.get(column)?;
        let (mut here, mut at) = self.at.get();
        if here > column {
            (here, at) = FIRST;
        }
        while here < column {
            (here, at) = (here + 1, self.cell(at)?.1);
        }
        self.at.set((here, at));
        Some((of, self.cell(at)?.0))
    }

    fn read<'r, T>(
        &'r self,
        column: usize,
        decode: fn(Oid, &'r [u8]) -> Option<T>,
    ) -> Result<Option<T>, DecodeError> {
        let (of, raw) = self.find(column).ok_or(DecodeError { column })?;
        raw.map(|raw| decode(of, raw).ok_or(DecodeError { column })).transpose()
    }
}

impl From<Row> for Either<Row> {
    fn from(row: Row) -> Self {
        Self::Postgres(row)
    }
}

impl sql::Row for Row {
    fn bool(&self, column: usize) -> Result<Option<bool>, DecodeError> {
        self.read(column, value::bool)
    }
    fn int(&self, column: usize) -> Result<Option<i64>, DecodeError> {
        self.read(column, value::int)
    }
    fn text(&self, column: usize) -> Result<Option<&str>, DecodeError> {
        self.read(column, value::text)
    }
    fn uuid(&self, column: usize) -> Result<Option<Uuid>, DecodeError> {
        self.read(column, value::uuid)
    }
    fn time(&self, column: usize) -> Result<Option<Timestamp>, DecodeError> {
        self.read(column, value::time)
    }
    fn float(&self, column: usize) -> Result<Option<f64>, DecodeError> {
        self.read(column, value::float)
    }
    fn bytes(&self, column: usize) -> Result<Option<Cow<'_, [u8]>>, DecodeError> {
        Ok(self.read(column, value::bytes)?.map(Cow::Borrowed))
    }
    fn date(&self, column: usize) -> Result<Option<Date>, DecodeError> {
        self.read(column, value::date)
    }
    fn json(&self, column: usize) -> Result<Option<Json>, DecodeError> {
        Ok(self.read(column, value::json)?.filter(|json| !json.is_null()))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::oid, *};
    use crate::sql::Row as _;

    /// NULL where there is no value.
    fn row(cells: &[(Oid, Option<&[u8]>)]) -> Row {
        let mut message = (cells.len() as u16).to_be_bytes().to_vec();
        for (_, cell) in cells {
            let length = cell.map_or(-1, |cell| cell.len() as i32);
            message.extend(length.to_be_bytes());
            message.extend(cell.unwrap_or_default());
        }
        Row::new(&cells.iter().map(|(of, _)| *of).collect(), message.into())
    }

    #[test]
    fn columns_are_read_in_any_order() {
        let cells: [(Oid, Option<&[u8]>); 4] = [
            (oid::TEXT, Some(b"one")),
            (oid::INT4, None),
            (oid::INT4, Some(&[0, 0, 0, 7])),
            (oid::TEXT, Some(b"")),
        ];
        let row = row(&cells);
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 1, 3, 3]] {
            for column in order {
                match column {
                    0 => assert_eq!(row.text(0).unwrap(), Some("one")),
                    1 => assert_eq!(row.int(1).unwrap(), None),
                    2 => assert_eq!(row.int(2).unwrap(), Some(7)),
                    _ => assert_eq!(row.text(3).unwrap(), Some("")),
                }
            }
        }
        row.int(4).unwrap_err();
        row.text(2).unwrap_err();
    }

    #[test]
    fn a_message_that_ends_too_soon_has_no_such_column() {
        let whole = row(&[(oid::TEXT, Some(b"one")), (oid::TEXT, Some(b"two"))]);
        for end in 0..whole.message.len() {
            let short = Row::new(&whole.columns, whole.message.slice(..end));
            short.text(1).unwrap_err();
        }
        assert_eq!(whole.text(1).unwrap(), Some("two"));
    }
}
