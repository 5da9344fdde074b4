use bytes::Bytes;
use http::Response;
use trireme_core::{Code, Error, error::Result, host::Host};

use super::sql;
use crate::{conditional::Precondition, context::Context, openapi::Operation, respond};

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let id = cx.id()?;
    let demanded = Precondition::read(cx);
    let user = cx.caller()?.user;
    let rows = cx.as_caller(&[sql::get(user, id), sql::delete(user, id, demanded.value())]).await?;
    match (rows[0].is_empty(), rows[1].is_empty()) {
        (_, false) => Ok(respond::no_content()),
        (false, true) if demanded.is_given() => Err(Precondition::failed()),
        _ => Err(Error::not_found()),
    }
}

pub fn describe(op: Operation) -> Operation {
    op.answers_nothing(204, "The task is gone.").precondition().fails(&[Code::NOT_FOUND])
}
