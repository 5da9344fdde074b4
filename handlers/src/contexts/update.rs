use bytes::Bytes;
use http::{Response, StatusCode, header};
use schemars::JsonSchema;
use trireme_core::{
    Code, Error,
    error::Result,
    host::Host,
    validate::{Color, visible},
};
use validator::Validate;

use super::{Context as Record, name_taken, sql};
use crate::{
    conditional::{self, Precondition},
    context::Context,
    openapi::{ColorText, Operation},
    respond,
};

#[derive(Validate, JsonSchema)]
struct Input {
    #[validate(length(min = 1, max = 100), custom(function = visible))]
    #[schemars(example = &"Harbour")]
    name: Option<String>,
    #[schemars(with = "Option<ColorText>")]
    #[expect(clippy::option_option, reason = "absent, null, or a color")]
    color: Option<Option<Color>>,
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let id = cx.id()?;
    let mut fields = cx.fields().await?;
    let input = Input { name: fields.change("name"), color: fields.change_nullable("color") };
    let input = fields.finish(input)?;
    let demanded = Precondition::read(cx);

    let user = cx.caller()?.user;
    let color = input.color.as_ref().and_then(|color| color.as_ref()).map(|color| color.0.as_str());
    let color = (input.color.is_some(), color);
    let change = sql::update(user, id, input.name.as_deref(), color, demanded.value(), cx.now);
    let rows = cx
        .as_caller(&[change, sql::get(user, id)])
        .await
        .map_err(|error| error.on_constraint("contexts_user_id_name_key", name_taken))?;
    let record = Record::read(rows[1].first().ok_or_else(Error::not_found)?)?;
    if rows[0].is_empty() {
        return Err(Precondition::failed());
    }
    let response = respond::json(StatusCode::OK, &record)?;
    Ok(respond::with(response, header::ETAG, &conditional::etag(&record.tag())))
}

pub fn describe(op: Operation) -> Operation {
    op.takes_merge_patch::<Input>(&["name"])
        .answers::<Record>(200, "The context as it is now.")
        .precondition()
        .fails(&[Code::NOT_FOUND, Code::NAME_TAKEN])
}
