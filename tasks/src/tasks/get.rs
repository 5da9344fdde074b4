use trireme::{Answer, Context, Host, Operation, outcome};

use super::{Task, sql};

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
    let id = cx.id()?;
    let rows = cx.as_caller(&[sql::get(cx.caller()?.user, id)]).await?;
    outcome::found::<Task, _>(&rows[0])
}

pub fn describe(op: Operation) -> Operation {
    op.answers::<Task>(200, "The task.").conditional()
}
