//! Tasks.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod sql;
pub mod update;

use schemars::JsonSchema;
use serde::Serialize;
use trireme_core::{Error, Fault, Timestamp, Uuid, error::Result, page, sql::Row, text_enum};

text_enum! {
    /// How far a task is.
    #[schemars(rename = "TaskStatus")]
    Status { Todo = "todo", InProgress = "in_progress", Done = "done" }
}

text_enum! {
    /// How much a task matters.
    Priority { Low = "low", Medium = "medium", High = "high" }
}

/// Something to be done.
#[derive(Serialize, JsonSchema)]
pub struct Task<'a> {
    #[schemars(example = &"01a1f8d4-0170-7f29-b0c2-1d2e3f405162")]
    pub id: Uuid,
    #[schemars(example = &"Oil the oarlocks")]
    pub title: &'a str,
    #[schemars(example = &"Linseed oil, two coats.")]
    pub description: Option<&'a str>,
    #[schemars(with = "Status")]
    pub status: &'a str,
    #[schemars(with = "Priority", example = &"medium")]
    pub priority: &'a str,
    #[schemars(example = &"2026-12-01T09:00:00.000Z")]
    pub due_at: Option<Timestamp>,
    /// The context that it is in.
    #[schemars(example = &"01a1f8d3-f1d0-7e35-a4b8-6c7d8e9fa0b1")]
    pub context_id: Option<Uuid>,
    /// When the status became `done`; null while it is another.
    #[schemars(extend("examples" = [null]))]
    pub completed_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// When its owner last changed it; that its context was deleted does not count.
    pub updated_at: Timestamp,
    /// Counts the changes; it is the `ETag`.
    #[schemars(range(min = 1))]
    pub version: i64,
}

impl<'a> Task<'a> {
    /// From the columns of `sql::get`. A task whose context is deleted has none, and is one
    /// version further; when maintenance has it so in the row, it reads the same.
    pub fn read<R: Row>(row: &'a R) -> Result<Self> {
        let context: Option<Uuid> = row.get(6)?;
        let version: i64 = row.get(10)?;
        let lost: bool = row.get(11)?;
        Ok(Self {
            id: row.get(0)?,
            title: row.get(1)?,
            description: row.get(2)?,
            status: row.get(3)?,
            priority: row.get(4)?,
            due_at: row.get(5)?,
            context_id: context.filter(|_| !lost),
            completed_at: row.get(7)?,
            created_at: row.get(8)?,
            updated_at: row.get(9)?,
            version: version + i64::from(lost),
        })
    }

    fn sort_key(&self, sort: &str) -> (page::Key, Uuid) {
        let key = match sort {
            "title" => page::Key::Text(self.title.to_owned()),
            "due_at" => page::Key::Time(self.due_at.unwrap_or(Timestamp::INFINITY)),
            "updated_at" => page::Key::Time(self.updated_at),
            _ => page::Key::Time(self.created_at),
        };
        (key, self.id)
    }
}

/// 422 for a context that is absent or somebody else's; the two look the same.
fn unknown_context() -> Error {
    Error::invalid(vec![Fault::new(
        "/context_id",
        "unknown_context",
        "Is not one of your contexts.",
    )])
}
