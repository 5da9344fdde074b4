use bytes::Bytes;
use http::Response;
use schemars::JsonSchema;
use shared::{Code, auth::password::Password, error::Result, host::Host};
use validator::Validate;

use super::{confirm, sql};
use crate::{conditional::Precondition, context::Context, openapi::Operation, respond};

#[derive(Validate, JsonSchema)]
struct Input {
    /// The account's password, to confirm.
    password: Password,
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let mut fields = cx.fields()?;
    let input = Input { password: fields.required("password") };
    let input = fields.finish(input)?;
    let demanded = Precondition::read(cx);

    let user = cx.caller()?.user;
    let hash = confirm(cx, input.password).await?;
    let rows = cx.as_caller(&[sql::delete(user, &hash, demanded.value())]).await?;
    if rows[0].is_empty() {
        return Err(Precondition::failed());
    }
    tracing::info!(target: "auth", outcome = "deleted", %user, address = %cx.client.address, "authentication");
    Ok(respond::no_content())
}

pub fn describe(op: Operation) -> Operation {
    op.about("Deletes the account with its sessions, contexts and tasks, for good.")
        .takes::<Input>()
        .answers_nothing(204, "Nothing of the account is left.")
        .precondition()
        .fails(&[Code::WrongPassword])
}
