use bytes::Bytes;
use http::Response;
use schemars::JsonSchema;
use trireme_core::{
    Timestamp, Uuid,
    error::Result,
    host::Host,
    page::{Page, PageRequest, Sort},
};
use validator::Validate;

use super::{Priority, Status, Task, sql};
use crate::{context::Context, openapi::Operation, respond};

/// A task without a due date sorts as if it were due at the end of time.
const SORTS: &[Sort] = &[
    Sort { name: "created_at", column: "created_at" },
    Sort { name: "updated_at", column: "updated_at" },
    Sort { name: "due_at", column: "COALESCE(due_at, 'infinity')" },
    Sort { name: "title", column: "title" },
];

#[derive(Debug, Validate, JsonSchema)]
pub struct Filter {
    /// Only those with this status.
    pub status: Option<Status>,
    /// Only those with this priority.
    pub priority: Option<Priority>,
    /// Only those in this context.
    pub context_id: Option<Uuid>,
    /// Due earlier than this.
    pub due_before: Option<Timestamp>,
    /// Due later than this.
    pub due_after: Option<Timestamp>,
    /// Part of the title or the description, in any case: by Unicode's full case folding.
    #[validate(length(min = 1, max = 200))]
    pub q: Option<String>,
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let user = cx.caller()?.user;
    let keys = &cx.app.config.auth.keys;
    let mut query = cx.query()?;
    let filter = Filter {
        status: query.optional("status"),
        priority: query.optional("priority"),
        context_id: query.optional("context_id"),
        due_before: query.optional("due_before"),
        due_after: query.optional("due_after"),
        q: query.optional("q"),
    };
    let page = PageRequest::read(&mut query, keys, "tasks", user, SORTS, &format!("{filter:?}"));
    let filter = query.finish(filter)?;
    let page = page?;

    let rows = cx.as_caller(&[page.finish(sql::list(user, &filter))]).await?;
    respond::page(cx, &page, &rows[0], Task::read, Task::sort_key).await
}

pub fn describe(op: Operation) -> Operation {
    op.answers::<Page<Task>>(200, "One page.").filter::<Filter>().page(SORTS)
}
