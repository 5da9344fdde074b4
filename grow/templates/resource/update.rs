use trireme::{@uses@};

use super::{@supers@};
@codes@

trireme::input! {
    pub struct Input {
@fields@
    }
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
    let id = cx.id()?;
    let input: Input = cx.input().await?;
    let demanded = Precondition::read(cx);
    let user = cx.caller()?.user;
    let change = sql::update(user, id, &input, demanded.value(), cx.now);
    let rows = cx.as_caller(&[change, sql::get(user, id)]).await@refusal@?;
@end@
}

pub fn describe(op: Operation) -> Operation {
    op.takes_merge_patch::<Input>()
        .answers::<@Record@>(200, "The @words@ as it is now.")
        .precondition()@fails@
}
