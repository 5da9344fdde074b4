use bytes::Bytes;
use http::Response;
use trireme_core::{
    error::Result,
    host::Host,
    validate::{Patch, visible},
};

use super::{User, sql};
use crate::{conditional::Precondition, context::Context, openapi::Operation, outcome};

crate::input! {
    pub struct Input {
        #[validate(length(min = 1, max = 100), custom(function = visible))]
        #[schemars(example = &"Ada King")]
        pub name: Patch<Option<String>>,
    }
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let input: Input = cx.input().await?;
    let demanded = Precondition::read(cx);
    let user = cx.caller()?.user;
    let change = sql::update(user, &input, demanded.value(), cx.now);
    let rows = cx.as_caller(&[change, sql::get(user)]).await?;
    outcome::changed::<User, _>(&rows[0], &rows[1], &demanded, || None)
}

pub fn describe(op: Operation) -> Operation {
    op.takes_merge_patch::<Input>().answers::<User>(200, "The account as it is now.").precondition()
}
