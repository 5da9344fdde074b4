use trireme::{Answer, Context, Host, Operation, outcome};

use super::{Context as Record, sql};

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
    let id = cx.id()?;
    let rows = cx.as_caller(&[sql::get(cx.caller()?.user, id)]).await?;
    outcome::found::<Record, _>(&rows[0])
}

pub fn describe(op: Operation) -> Operation {
    op.answers::<Record>(200, "The context.").conditional()
}
