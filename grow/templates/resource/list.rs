use trireme::{@uses@};

use super::{@supers@};

@filter@pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
@handle@
}

pub fn describe(op: Operation) -> Operation {
    op.answers::<Page<@Record@>>(200, "One page.")@filters@.page::<@Record@>()
}
