//! Tasks.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod sql;
pub mod update;

use trireme::{Error, Fault, Timestamp, Uuid, sql::DatabaseError};

trireme::text_enum! {
    /// How far a task is.
    #[schemars(rename = "TaskStatus")]
    Status { Todo = "todo", InProgress = "in_progress", Done = "done" }
}

trireme::text_enum! {
    /// How much a task matters.
    Priority { Low = "low", Medium = "medium", High = "high" }
}

trireme::record! {
    /// Something to be done.
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
        pub context_id: Option<Uuid> => context_id.filter(|_| !lost),
        /// When the status became `done`; null while it is another.
        #[schemars(extend("examples" = [null]))]
        pub completed_at: Option<Timestamp>,
        pub created_at: Timestamp,
        /// When its owner last changed it; that its context was deleted does not count.
        pub updated_at: Timestamp,
        /// Counts the changes; it is the `ETag`.
        #[schemars(range(min = 1))]
        pub version: i64 => version + i64::from(lost),
    }
    // A task whose context is deleted has none, and is one version further; when maintenance has it
    // so in the row, it reads the same.
    reads { lost: bool = sql::LOST }
    etag { version = sql::VERSION }
    // A task without a due date sorts as if it were due at the end of time.
    sorts {
        created_at,
        updated_at,
        due_at = "COALESCE(due_at, 'infinity')" => due_at.unwrap_or(Timestamp::INFINITY),
        title,
    }
}

/// A context that is deleted at the same moment is as unknown as one that never was.
fn refused(error: DatabaseError) -> Error {
    error.on_constraint("tasks_context_id_fkey", unknown_context)
}

/// 422 for a context that is absent or somebody else's; the two look the same.
fn unknown_context() -> Error {
    Error::invalid(vec![Fault::new(
        "/context_id",
        "unknown_context",
        "Is not one of your contexts.",
    )])
}
