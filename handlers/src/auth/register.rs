use bytes::Bytes;
use http::{Response, StatusCode};
use trireme_core::{
    Code, Error,
    auth::password::NewPassword,
    error::Result,
    host::Host,
    validate::{Email, visible},
};

use super::{NewSession, Tokens, report, sql, tokens};
use crate::{
    context::Context,
    openapi::Operation,
    users::{self, User},
};

crate::input! {
    pub struct Input {
        #[schemars(with = "users::EmailText")]
        pub email: Email,
        pub password: NewPassword,
        #[validate(length(min = 1, max = 100), custom(function = visible))]
        /// What to call its owner.
        #[schemars(example = &"Ada Lovelace")]
        pub name: Option<String>,
    }
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let Input { email: Email(email), password, name } = cx.input().await?;

    // Asked first, so that a taken address costs no hashing; the constraint decides.
    let found = cx.as_service(&[sql::user_by_email(&email, &email)]).await?;
    if !found[0].is_empty() {
        return Err(taken(cx));
    }
    let hash = users::hash(cx.host, cx.app, &password).await?;
    let user = User::new(cx.new_id(), &email, name.as_deref(), cx.now);
    let session = NewSession::new(cx);
    cx.as_service(&[
        sql::create_user(user.id, &email, name.as_deref(), &hash, cx.now),
        sql::create_session(user.id, &hash, &session, cx.now),
        sql::create_refresh_token(&session, cx.now),
    ])
    .await
    .map_err(|error| error.on_constraint("users_email_key", || taken(cx)))?;

    report(cx, "registered", Some(user.id));
    tokens(cx, StatusCode::CREATED, user, (session.id, session.ends), &session.token.to_secret())
}

fn taken<H: Host>(cx: &Context<'_, H>) -> Error {
    report(cx, "email_taken", None);
    Error::new(Code::EMAIL_TAKEN, "Another account has this e-mail address.")
}

pub fn describe(op: Operation) -> Operation {
    op.about("The account is signed in at once: the answer has its first tokens.")
        .takes::<Input>()
        .answers::<Tokens>(201, "The account exists and is signed in.")
        .fails(&[Code::EMAIL_TAKEN])
}
