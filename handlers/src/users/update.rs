use bytes::Bytes;
use http::{Response, StatusCode, header};
use schemars::JsonSchema;
use trireme_core::{Error, error::Result, host::Host, validate::visible};
use validator::Validate;

use super::{User, sql};
use crate::{
    conditional::{self, Precondition},
    context::Context,
    openapi::Operation,
    respond,
};

#[derive(Validate, JsonSchema)]
struct Input {
    #[validate(length(min = 1, max = 100), custom(function = visible))]
    #[schemars(with = "Option<String>", length(min = 1, max = 100), example = &"Ada King")]
    #[expect(clippy::option_option, reason = "absent, null, or a name")]
    name: Option<Option<String>>,
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let mut fields = cx.fields().await?;
    let input = Input { name: fields.change_nullable("name") };
    let input = fields.finish(input)?;
    let demanded = Precondition::read(cx);

    let user = cx.caller()?.user;
    let name = input.name.as_ref().and_then(|name| name.as_deref());
    let change = sql::update(user, input.name.is_some(), name, demanded.value(), cx.now);
    let rows = cx.as_caller(&[change, sql::get(user)]).await?;
    let user = User::read(rows[1].first().ok_or_else(Error::not_found)?)?;
    if rows[0].is_empty() {
        return Err(Precondition::failed());
    }
    let response = respond::json(StatusCode::OK, &user)?;
    Ok(respond::with(response, header::ETAG, &conditional::etag(&user.version.to_string())))
}

pub fn describe(op: Operation) -> Operation {
    op.takes_merge_patch::<Input>(&[])
        .answers::<User>(200, "The account as it is now.")
        .precondition()
}
