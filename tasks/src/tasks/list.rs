use trireme::{Answer, Context, Host, Operation, Timestamp, Uuid, page::Page, respond};

use super::{Priority, Status, Task, sql};

trireme::input! {
    #[derive(Debug)]
    pub struct Filter {
        /// Only those with this status.
        pub status: Option<Status>,
        /// Only those with this priority.
        pub priority: Option<Priority>,
        /// Only those in this context.
        pub context_id: Option<Uuid>,
        /// Due earlier than this.
        pub due_before: Option<Timestamp>,
        /// Due later than this.
        pub due_after: Option<Timestamp>,
        /// Part of the title or the description, in any case: by Unicode's full case folding.
        #[validate(length(min = 1, max = 200))]
        pub q: Option<String>,
    }
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
    let (page, filter) = cx.page::<Task, Filter>("tasks")?;
    let rows = cx.as_caller(&[page.finish(sql::list(cx.caller()?.user, &filter))]).await?;
    respond::page::<_, Task>(cx, &page, &rows[0]).await
}

pub fn describe(op: Operation) -> Operation {
    op.answers::<Page<Task>>(200, "One page.").filter::<Filter>().page::<Task>()
}
