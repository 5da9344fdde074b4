//! Contexts: what a user sorts tasks by.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod sql;
pub mod update;

use trireme::{Error, Timestamp, Uuid, sql::DatabaseError};

use crate::codes;

trireme::record! {
    /// What tasks are sorted by.
    pub struct Context<'a> {
        #[schemars(example = &"01a1f8d3-f1d0-7e35-a4b8-6c7d8e9fa0b1")]
        pub id: Uuid,
        /// No two contexts of a user have the same.
        #[schemars(example = &"Boat")]
        pub name: &'a str,
        /// `#rrggbb` in lower case.
        #[schemars(extend("pattern" = "^#[0-9a-f]{6}$"), example = &"#1e90ff")]
        pub color: Option<&'a str>,
        /// How many tasks are in it.
        #[schemars(range(min = 0), example = 3)]
        pub task_count: i64 = sql::TASK_COUNT,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
        /// Counts the changes; with `task_count` it makes the `ETag`.
        #[schemars(range(min = 1))]
        pub version: i64,
    }
    etag { version, task_count }
    sorts { created_at, updated_at, name }
}

fn refused(error: DatabaseError) -> Error {
    error.on_constraint("contexts_user_id_name_key", || {
        Error::new(codes::NAME_TAKEN, "Another of your contexts has this name.")
    })
}
