use trireme::{
    Answer, Context, Error, Host, Operation, Timestamp, Uuid, idempotency,
    openapi::ColorText,
    validate::{Color, visible},
};

use super::{Context as Record, refused, sql};
use crate::codes;

trireme::input! {
    pub struct Input {
        #[validate(length(min = 1, max = 100), custom(function = visible))]
        /// No two contexts of a user have the same.
        #[schemars(example = &"Boat")]
        pub name: String,
        #[schemars(with = "Option<ColorText>")]
        pub color: Option<Color>,
    }
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

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
    let input: Input = cx.input().await?;
    let (user, id) = (cx.caller()?.user, cx.new_id());
    let answer = |id, now| input.record(id, now);
    let insert = |key| sql::create(user, id, &input, key, cx.now);
    let created = idempotency::create(cx, "contexts", id, answer, insert, refused).await?;
    created.ok_or_else(|| Error::internal("a context was not inserted"))
}

pub fn describe(op: Operation) -> Operation {
    op.takes::<Input>().answers::<Record>(201, "The context.").creates().fails(&[codes::NAME_TAKEN])
}
