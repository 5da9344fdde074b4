use bytes::Bytes;
use http::Response;
use trireme_core::{
    Code,
    auth::password::{NewPassword, Password},
    error::Result,
    host::Host,
};

use super::{confirm, hash, sql, wrong_password};
use crate::{context::Context, openapi::Operation, respond};

crate::input! {
    struct Input {
        /// To confirm.
        current_password: Password,
        #[schemars(example = &"staple wears a hat")]
        new_password: NewPassword,
    }
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let input: Input = cx.input().await?;
    let caller = cx.caller()?;
    let old = confirm(cx, input.current_password).await?;
    let new = hash(cx.host, cx.app, &input.new_password).await?;
    let rows = cx
        .as_caller(&[
            sql::set_password(caller.user, &old, &new, cx.now),
            sql::keep_session(caller.user, caller.session),
            sql::drop_ended_sessions(caller.user, cx.now),
        ])
        .await?;
    if rows[0].is_empty() {
        return Err(wrong_password());
    }
    tracing::info!(
        target: "auth",
        outcome = "password_changed",
        user = %caller.user,
        address = %cx.client.address,
        "authentication"
    );
    Ok(respond::no_content())
}

pub fn describe(op: Operation) -> Operation {
    op.takes::<Input>()
        .answers_nothing(204, "The password is changed and all other sessions have ended.")
        .fails(&[Code::WRONG_PASSWORD])
}
