use trireme::{Answer, Context, Host, Operation, Precondition, outcome};

use super::sql;

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
    let id = cx.id()?;
    let demanded = Precondition::read(cx);
    let user = cx.caller()?.user;
    let rows = cx.as_caller(&[sql::get(user, id), sql::delete(user, id, demanded.value())]).await?;
    outcome::deleted(&rows[0], &rows[1], &demanded)
}

pub fn describe(op: Operation) -> Operation {
    op.answers_nothing(204, "The task is gone.").precondition()
}
