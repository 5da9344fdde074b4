//! Contexts: what a user sorts tasks by.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod sql;
pub mod update;

use schemars::JsonSchema;
use serde::Serialize;
use shared::{Code, Error, Timestamp, Uuid, error::Result, page, sql::Row};

#[derive(Serialize, JsonSchema)]
pub struct Context<'a> {
    pub id: Uuid,
    pub name: &'a str,
    /// `#rrggbb`.
    pub color: Option<&'a str>,
    pub task_count: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

impl<'a> Context<'a> {
    /// From [`sql::COLUMNS`].
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
    Error::new(Code::NameTaken, "Another of your contexts has this name.")
}
