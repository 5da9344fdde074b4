use trireme::{Answer, Context, Host, Operation, Timestamp, Uuid, idempotency, validate::visible};

use super::{Priority, Status, Task, refused, sql, unknown_context};

trireme::input! {
    pub struct Input {
        #[validate(length(min = 1, max = 200), custom(function = visible))]
        #[schemars(example = &"Oil the oarlocks")]
        pub title: String,
        #[validate(length(max = 10_000))]
        #[schemars(example = &"Linseed oil, two coats.")]
        pub description: Option<String>,
        pub status: Status = Status::Todo,
        #[schemars(example = &"medium")]
        pub priority: Priority = Priority::Medium,
        #[schemars(example = &"2026-12-01T09:00:00.000Z")]
        pub due_at: Option<Timestamp>,
        /// One of the caller's own contexts.
        #[schemars(extend("examples" = [null]))]
        pub context_id: Option<Uuid>,
    }
}

impl Input {
    pub fn task(&self, id: Uuid, now: Timestamp) -> Task<'_> {
        Task {
            id,
            title: &self.title,
            description: self.description.as_deref(),
            status: self.status.as_str(),
            priority: self.priority.as_str(),
            due_at: self.due_at,
            context_id: self.context_id,
            completed_at: (self.status == Status::Done).then_some(now),
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
    let input: Input = cx.input().await?;
    let (user, id) = (cx.caller()?.user, cx.new_id());
    let answer = |id, now| input.task(id, now);
    let insert = |key| sql::create(user, &input.task(id, cx.now), key);
    let created = idempotency::create(cx, "tasks", id, answer, insert, refused).await?;
    created.ok_or_else(unknown_context)
}

pub fn describe(op: Operation) -> Operation {
    op.takes::<Input>().answers::<Task>(201, "The task.").creates()
}
