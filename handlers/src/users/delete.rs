use bytes::Bytes;
use http::Response;
use trireme_core::{
    Code, Error, Uuid, auth::password::Password, error::Result, host::Host, sql::Row,
};

use super::{confirm, remove, sql, wrong_password};
use crate::{
    conditional::Precondition,
    context::Context,
    openapi::Operation,
    rate_limit::{self, Account},
    respond,
};

crate::input! {
    struct Input {
        /// The account's password, to confirm.
        password: Password,
    }
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let input: Input = cx.input().await?;
    let demanded = Precondition::read(cx);

    let user = cx.caller()?.user;
    let hash = confirm(cx, input.password).await?;
    let delete = sql::delete(user, &hash, demanded.value(), cx.now);
    let rows = cx.as_caller(&[sql::get(user), delete]).await?;
    match rows[1].is_empty() {
        true if demanded.is_given() => return Err(Precondition::failed()),
        true => return Err(wrong_password()),
        false => {}
    }
    let email = rows[0].first().ok_or_else(Error::not_found)?.get::<&str>(1)?;
    clear_away(cx, user, email).await;
    tracing::info!(target: "auth", outcome = "deleted", %user, address = %cx.client.address, "authentication");
    Ok(respond::no_content())
}

/// The account is gone for everybody already; whatever this leaves is removed by maintenance.
async fn clear_away<H: Host>(cx: &Context<'_, H>, user: Uuid, email: &str) {
    let id = user.to_string();
    let mut statements = remove::piece(cx.app.product.tables, user);
    for key in &cx.app.config.auth.keys.keys {
        for name in [email, &id] {
            statements.push(rate_limit::forget(&Account::new(key, name)));
        }
    }
    if let Err(error) = cx.as_service(&statements).await {
        tracing::warn!(%error, %user, "a deleted account is left to maintenance");
    }
}

pub fn describe(op: Operation) -> Operation {
    op.about("Deletes the account with its sessions, contexts and tasks, for good.")
        .confirm("The account goes with all that it has, and nothing brings it back.")
        .takes::<Input>()
        .answers_nothing(
            204,
            "The account is gone; rows of a large one are removed in the minutes after.",
        )
        .precondition()
        .fails(&[Code::WRONG_PASSWORD])
}
