use trireme::{
    Answer, Context, Host, Operation, Precondition,
    openapi::ColorText,
    outcome,
    validate::{Color, Patch, visible},
};

use super::{Context as Record, refused, sql};
use crate::codes;

trireme::input! {
    pub struct Input {
        #[validate(length(min = 1, max = 100), custom(function = visible))]
        #[schemars(example = &"Harbour")]
        pub name: Patch<String>,
        #[schemars(with = "Option<ColorText>")]
        pub color: Patch<Option<Color>>,
    }
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
    let id = cx.id()?;
    let input: Input = cx.input().await?;
    let demanded = Precondition::read(cx);
    let user = cx.caller()?.user;
    let change = sql::update(user, id, &input, demanded.value(), cx.now);
    let rows = cx.as_caller(&[change, sql::get(user, id)]).await.map_err(refused)?;
    outcome::changed::<Record, _>(&rows[0], &rows[1], &demanded, || None)
}

pub fn describe(op: Operation) -> Operation {
    op.takes_merge_patch::<Input>()
        .answers::<Record>(200, "The context as it is now.")
        .precondition()
        .fails(&[codes::NAME_TAKEN])
}
