use trireme::{@uses@};

use super::{@supers@};
@codes@

trireme::input! {
    pub struct Input {
@fields@
    }
}

impl Input {
    fn @singular@(&self, id: Uuid, now: Timestamp) -> @Record@@elided@ {
        @Record@ {
            id,
@members@
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
    let input: Input = cx.input().await?;
    let (user, id) = (cx.caller()?.user, cx.new_id());
    let answer = |id, now| input.@singular@(id, now);
    let insert = |key| sql::create(user, &input.@singular@(id, cx.now), key);
    let created = idempotency::create(cx, "@plural@", id, answer, insert, @refusal@).await?;
@end@
}

pub fn describe(op: Operation) -> Operation {
    op.takes::<Input>().answers::<@Record@>(201, "The @words@.").creates()@fails@
}
