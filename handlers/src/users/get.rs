use bytes::Bytes;
use http::{Response, StatusCode, header};
use trireme_core::{Error, error::Result, host::Host};

use super::{User, sql};
use crate::{conditional, context::Context, openapi::Operation, respond};

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let rows = cx.as_caller(&[sql::get(cx.caller()?.user)]).await?;
    let user = User::read(rows[0].first().ok_or_else(Error::not_found)?)?;
    let response = respond::json(StatusCode::OK, &user)?;
    Ok(respond::with(response, header::ETAG, &conditional::etag(&user.version.to_string())))
}

pub fn describe(op: Operation) -> Operation {
    op.answers::<User>(200, "The account.").conditional()
}
