use bytes::Bytes;
use http::{Response, StatusCode, header};
use schemars::JsonSchema;
use trireme_core::{Code, Error, Timestamp, Uuid, error::Result, host::Host, validate::visible};
use validator::Validate;

use super::{Priority, Status, Task, create::refused, sql, unknown_context};
use crate::{
    conditional::{self, Precondition},
    context::Context,
    openapi::Operation,
    respond,
};

#[derive(Validate, JsonSchema)]
#[schemars(example = serde_json::json!({ "status": "done", "description": null }))]
#[expect(clippy::option_option, reason = "absent, null, or a value")]
pub struct Input {
    #[validate(length(min = 1, max = 200), custom(function = visible))]
    pub title: Option<String>,
    #[validate(length(max = 10_000))]
    #[schemars(with = "Option<String>", length(max = 10_000))]
    pub description: Option<Option<String>>,
    pub status: Option<Status>,
    pub priority: Option<Priority>,
    #[schemars(with = "Option<Timestamp>")]
    pub due_at: Option<Option<Timestamp>>,
    /// One of the caller's own contexts.
    #[schemars(with = "Option<Uuid>")]
    pub context_id: Option<Option<Uuid>>,
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let id = cx.id()?;
    let mut fields = cx.fields().await?;
    let input = Input {
        title: fields.change("title"),
        description: fields.change_nullable("description"),
        status: fields.change("status"),
        priority: fields.change("priority"),
        due_at: fields.change_nullable("due_at"),
        context_id: fields.change_nullable("context_id"),
    };
    let input = fields.finish(input)?;
    let demanded = Precondition::read(cx);

    let user = cx.caller()?.user;
    let context = input.context_id.flatten();
    let change = sql::update(user, id, &input, demanded.value(), cx.now);
    let rows = cx.as_caller(&[change, sql::get(user, id)]).await.map_err(refused)?;
    let task = Task::read(rows[1].first().ok_or_else(Error::not_found)?)?;
    let tag = task.version.to_string();
    match rows[0].is_empty() {
        true if demanded.holds(&tag) && context.is_some() => Err(unknown_context()),
        true => Err(Precondition::failed()),
        false => {
            let response = respond::json(StatusCode::OK, &task)?;
            Ok(respond::with(response, header::ETAG, &conditional::etag(&tag)))
        }
    }
}

pub fn describe(op: Operation) -> Operation {
    op.takes_merge_patch::<Input>(&["title", "status", "priority"])
        .answers::<Task>(200, "The task as it is now.")
        .precondition()
        .fails(&[Code::NOT_FOUND])
}
