use trireme::{Answer, Context, Host, Operation, page::Page, respond, validate::Nothing};

use super::{Context as Record, sql};

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
    let (page, Nothing {}) = cx.page::<Record, _>("contexts")?;
    let rows = cx.as_caller(&[page.finish(sql::list(cx.caller()?.user))]).await?;
    respond::page::<_, Record>(cx, &page, &rows[0]).await
}

pub fn describe(op: Operation) -> Operation {
    op.answers::<Page<Record>>(200, "One page.").page::<Record>()
}
