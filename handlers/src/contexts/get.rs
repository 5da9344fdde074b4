use bytes::Bytes;
use http::{Response, StatusCode, header};
use trireme_core::{Code, Error, error::Result, host::Host};

use super::{Context as Record, sql};
use crate::{conditional, context::Context, openapi::Operation, respond};

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let id = cx.id()?;
    let rows = cx.as_caller(&[sql::get(cx.caller()?.user, id)]).await?;
    let record = Record::read(rows[0].first().ok_or_else(Error::not_found)?)?;
    let response = respond::json(StatusCode::OK, &record)?;
    Ok(respond::with(response, header::ETAG, &conditional::etag(&record.tag())))
}

pub fn describe(op: Operation) -> Operation {
    op.answers::<Record>(200, "The context.").conditional().fails(&[Code::NOT_FOUND])
}
