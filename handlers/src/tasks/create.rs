use bytes::Bytes;
use http::Response;
use schemars::JsonSchema;
use trireme_core::{
    Error, Timestamp, Uuid, error::Result, host::Host, sql::DatabaseError, validate::visible,
};
use validator::Validate;

use super::{Priority, Status, Task, sql, unknown_context};
use crate::{context::Context, idempotency, openapi::Operation, respond};

#[derive(Validate, JsonSchema)]
pub struct Input {
    #[validate(length(min = 1, max = 200), custom(function = visible))]
    #[schemars(example = &"Oil the oarlocks")]
    pub title: String,
    #[validate(length(max = 10_000))]
    #[schemars(example = &"Linseed oil, two coats.")]
    pub description: Option<String>,
    #[schemars(default = "todo")]
    pub status: Status,
    #[schemars(default = "medium", example = &"medium")]
    pub priority: Priority,
    #[schemars(example = &"2026-12-01T09:00:00.000Z")]
    pub due_at: Option<Timestamp>,
    /// One of the caller's own contexts.
    #[schemars(extend("examples" = [null]))]
    pub context_id: Option<Uuid>,
}

const fn todo() -> Status {
    Status::Todo
}

const fn medium() -> Priority {
    Priority::Medium
}

impl Input {
    pub fn completed_at(&self, now: Timestamp) -> Option<Timestamp> {
        (self.status == Status::Done).then_some(now)
    }

    fn task(&self, id: Uuid, now: Timestamp) -> Task<'_> {
        Task {
            id,
            title: &self.title,
            description: self.description.as_deref(),
            status: self.status.as_str(),
            priority: self.priority.as_str(),
            due_at: self.due_at,
            context_id: self.context_id,
            completed_at: self.completed_at(now),
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let mut fields = cx.fields().await?;
    let input = Input {
        title: fields.required("title"),
        description: fields.optional("description"),
        status: fields.change("status").unwrap_or_else(todo),
        priority: fields.change("priority").unwrap_or_else(medium),
        due_at: fields.optional("due_at"),
        context_id: fields.optional("context_id"),
    };
    let input = fields.finish(input)?;

    let (user, id) = (cx.caller()?.user, cx.new_id());
    let answer = |id, now| respond::encode(&input.task(id, now));
    let insert = |key| sql::create(user, id, &input, key, cx.now);
    let created = idempotency::create(cx, "tasks", id, answer, insert, refused).await?;
    let created = created.ok_or_else(unknown_context)?;
    Ok(created.response("/api/v1/tasks", "1"))
}

/// A context that is deleted at the same moment is as unknown as one that never was.
pub fn refused(error: DatabaseError) -> Error {
    error.on_constraint("tasks_context_id_fkey", unknown_context)
}

pub fn describe(op: Operation) -> Operation {
    op.takes::<Input>().answers::<Task>(201, "The task.").creates()
}
