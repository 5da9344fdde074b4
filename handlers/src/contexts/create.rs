use bytes::Bytes;
use http::Response;
use schemars::JsonSchema;
use trireme_core::{
    Code, Error, Timestamp, Uuid,
    error::Result,
    host::Host,
    validate::{Color, visible},
};
use validator::Validate;

use super::{Context as Record, name_taken, sql};
use crate::{
    context::Context,
    idempotency,
    openapi::{ColorText, Operation},
    respond,
};

#[derive(Validate, JsonSchema)]
pub struct Input {
    #[validate(length(min = 1, max = 100), custom(function = visible))]
    /// No two contexts of a user have the same.
    #[schemars(example = &"Boat")]
    pub name: String,
    #[schemars(with = "Option<ColorText>")]
    pub color: Option<Color>,
}

impl Input {
    fn record(&self, id: Uuid, now: Timestamp) -> Record<'_> {
        Record {
            id,
            name: &self.name,
            color: self.color.as_ref().map(|color| color.0.as_str()),
            task_count: 0,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let mut fields = cx.fields().await?;
    let input = Input { name: fields.required("name"), color: fields.optional("color") };
    let input = fields.finish(input)?;

    let (user, id) = (cx.caller()?.user, cx.new_id());
    let answer = |id, now| respond::encode(&input.record(id, now));
    let insert = |key| sql::create(user, id, &input, key, cx.now);
    let refuse = |error: trireme_core::sql::DatabaseError| {
        error.on_constraint("contexts_user_id_name_key", name_taken)
    };
    let created = idempotency::create(cx, "contexts", id, answer, insert, refuse).await?;
    let created = created.ok_or_else(|| Error::internal("a context was not inserted"))?;
    Ok(created.response("/api/v1/contexts", "1-0"))
}

pub fn describe(op: Operation) -> Operation {
    op.takes::<Input>().answers::<Record>(201, "The context.").creates().fails(&[Code::NAME_TAKEN])
}
