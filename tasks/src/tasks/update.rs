use trireme::{
    Answer, Context, Host, Operation, Precondition, Timestamp, Uuid, outcome,
    serde_json::json,
    validate::{Patch, visible},
};

use super::{Priority, Status, Task, refused, sql, unknown_context};

trireme::input! {
    #[schemars(example = json!({ "status": "done", "description": null }))]
    pub struct Input {
        #[validate(length(min = 1, max = 200), custom(function = visible))]
        pub title: Patch<String>,
        #[validate(length(max = 10_000))]
        pub description: Patch<Option<String>>,
        pub status: Patch<Status>,
        pub priority: Patch<Priority>,
        pub due_at: Patch<Option<Timestamp>>,
        /// One of the caller's own contexts.
        pub context_id: Patch<Option<Uuid>>,
    }
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
    let id = cx.id()?;
    let input: Input = cx.input().await?;
    let demanded = Precondition::read(cx);
    let user = cx.caller()?.user;
    let change = sql::update(user, id, &input, demanded.value(), cx.now);
    let rows = cx.as_caller(&[change, sql::get(user, id)]).await.map_err(refused)?;
    let unknown = || input.context_id.value().map(|_| unknown_context());
    outcome::changed::<Task, _>(&rows[0], &rows[1], &demanded, unknown)
}

pub fn describe(op: Operation) -> Operation {
    op.takes_merge_patch::<Input>().answers::<Task>(200, "The task as it is now.").precondition()
}
