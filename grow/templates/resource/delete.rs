use trireme::{
    Bytes, Code, Context, Response, conditional::Precondition, error::Result, host::Host,
    openapi::Operation, outcome,
};

use super::sql;

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let id = cx.id()?;
    let demanded = Precondition::read(cx);
    let user = cx.caller()?.user;
    let rows = cx.as_caller(&[sql::get(user, id), sql::delete(user, id, demanded.value())]).await?;
    outcome::deleted(&rows[0], &rows[1], &demanded)
}

pub fn describe(op: Operation) -> Operation {
    op.answers_nothing(204, "The @words@ is gone.")
        .precondition()
        .fails(&[Code::NOT_FOUND, Code::IN_USE])
}
