use bytes::Bytes;
use http::{Response, StatusCode, header};
use trireme_core::{Code, Error, error::Result, host::Host};

use super::{Task, sql};
use crate::{conditional, context::Context, openapi::Operation, respond};

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let id = cx.id()?;
    let rows = cx.as_caller(&[sql::get(cx.caller()?.user, id)]).await?;
    let task = Task::read(rows[0].first().ok_or_else(Error::not_found)?)?;
    let response = respond::json(StatusCode::OK, &task)?;
    Ok(respond::with(response, header::ETAG, &conditional::etag(&task.version.to_string())))
}

pub fn describe(op: Operation) -> Operation {
    op.answers::<Task>(200, "The task.").conditional().fails(&[Code::NOT_FOUND])
}
