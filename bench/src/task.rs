//! A task as JSON.

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use uuid::Uuid;

/// In the order of the statements' columns.
#[derive(Serialize)]
pub struct Task<'a> {
    pub id: Uuid,
    pub title: &'a str,
    pub description: Option<&'a str>,
    pub status: &'a str,
    pub priority: &'a str,
    pub due_at: Option<Moment>,
    pub context_id: Option<Uuid>,
    pub completed_at: Option<Moment>,
    pub created_at: Moment,
    pub updated_at: Moment,
    pub version: i64,
}

impl<'a> Task<'a> {
    pub fn of_postgres(row: &'a tokio_postgres::Row) -> Result<Self, tokio_postgres::Error> {
        let moment = |column| Ok::<_, tokio_postgres::Error>(Moment(row.try_get(column)?));
        let perhaps = |column| Ok(row.try_get::<_, Option<_>>(column)?.map(Moment));
        Ok(Self {
            id: row.try_get(0)?,
            title: row.try_get(1)?,
            description: row.try_get(2)?,
            status: row.try_get(3)?,
            priority: row.try_get(4)?,
            due_at: perhaps(5)?,
            context_id: row.try_get(6)?,
            completed_at: perhaps(7)?,
            created_at: moment(8)?,
            updated_at: moment(9)?,
            version: row.try_get(10)?,
        })
    }

    /// Ids are text there, and moments are milliseconds.
    pub fn of_sqlite(row: &'a rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
        let perhaps = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str_or_null()?);
        let id = |text: &str| text.parse::<Uuid>().map_err(|_| rusqlite::Error::InvalidQuery);
        let moment = |column| {
            let millis: Option<i64> = row.get(column)?;
            Ok::<_, rusqlite::Error>(millis.and_then(Moment::of_millis))
        };
        let never = || rusqlite::Error::InvalidQuery;
        Ok(Self {
            id: id(text(0)?)?,
            title: text(1)?,
            description: perhaps(2)?,
            status: text(3)?,
            priority: text(4)?,
            due_at: moment(5)?,
            context_id: perhaps(6)?.map(id).transpose()?,
            completed_at: moment(7)?,
            created_at: moment(8)?.ok_or_else(never)?,
            updated_at: moment(9)?.ok_or_else(never)?,
            version: row.get(10)?,
        })
    }
}

const MILLISECONDS: &[BorrowedFormatItem<'_>] = time::macros::format_description!(
    "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
);

pub struct Moment(pub OffsetDateTime);

impl Moment {
    fn of_millis(millis: i64) -> Option<Self> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok().map(Self)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.format(MILLISECONDS).map_err(serde::ser::Error::custom)?)
    }
}
