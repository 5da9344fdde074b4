use bytes::Bytes;
use http::Response;
use trireme_core::{error::Result, host::Host};

use super::{User, sql};
use crate::{context::Context, openapi::Operation, outcome};

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let rows = cx.as_caller(&[sql::get(cx.caller()?.user)]).await?;
    outcome::found::<User, _>(&rows[0])
}

pub fn describe(op: Operation) -> Operation {
    op.answers::<User>(200, "The account.").conditional()
}
