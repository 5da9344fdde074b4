//! Contexts: what a user sorts tasks by.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod sql;
pub mod update;

use schemars::JsonSchema;
use serde::Serialize;
use trireme_core::{Code, Error, Timestamp, Uuid, error::Result, page, sql::Row};

/// What tasks are sorted by.
#[derive(Serialize, JsonSchema)]
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
    pub task_count: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Counts the changes; with `task_count` it makes the `ETag`.
    #[schemars(range(min = 1))]
    pub version: i64,
}

impl<'a> Context<'a> {
    /// From the columns of `sql::get`.
    pub fn read<R: Row>(row: &'a R) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            color: row.get(2)?,
            task_count: row.get(3)?,
            created_at: row.get(4)?,
            updated_at: row.get(5)?,
            version: row.get(6)?,
        })
    }

    /// The count is part of the representation, and so of its `ETag`.
    pub fn tag(&self) -> String {
        format!("{}-{}", self.version, self.task_count)
    }

    fn sort_key(&self, sort: &str) -> (page::Key, Uuid) {
        let key = match sort {
            "name" => page::Key::Text(self.name.to_owned()),
            "updated_at" => page::Key::Time(self.updated_at),
            _ => page::Key::Time(self.created_at),
        };
        (key, self.id)
    }
}

fn name_taken() -> Error {
    Error::new(Code::NAME_TAKEN, "Another of your contexts has this name.")
}
