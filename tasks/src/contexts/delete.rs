use trireme::{Answer, Context, Host, Operation, Precondition, outcome};

use super::sql;

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
    let id = cx.id()?;
    let demanded = Precondition::read(cx);
    let user = cx.caller()?.user;
    let delete = sql::delete(user, id, demanded.value(), cx.now);
    let [leave, remove] = sql::remove(user, id);
    let rows = cx.as_caller(&[sql::get(user, id), delete, leave, remove]).await?;
    outcome::deleted(&rows[0], &rows[1], &demanded)
}

pub fn describe(op: Operation) -> Operation {
    op.answers_nothing(204, "The context is gone; its tasks are without one.").precondition()
}
