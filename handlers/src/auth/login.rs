use bytes::Bytes;
use http::{Response, StatusCode};
use trireme_core::{
    Code, Error, Timestamp, Uuid,
    auth::password::{Password, Verdict},
    error::Result,
    host::Host,
    sql::Row,
    validate::KnownEmail,
};

use super::{NewSession, Tokens, report, sql, tokens};
use crate::{
    context::Context,
    middleware::headers::announce,
    openapi::Operation,
    rate_limit::{self, Standing},
    record::Record,
    users::{self, User},
};

crate::input! {
    struct Input {
        #[schemars(with = "users::EmailText")]
        email: KnownEmail,
        password: Password,
    }
}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let Input { email, password } = cx.input().await?;

    // Counted before the password is compared, and taken back unless it is wrong: guesses sent
    // at once are counted like guesses sent one after the other.
    let quota = cx.app.config.limits.auth_per_account;
    let attempt =
        rate_limit::account_key(&cx.app.config.auth.keys, &email.normal, cx.client.address);
    let rows = cx
        .as_service(&[
            rate_limit::count(&attempt, quota, cx.now),
            sql::user_by_email(&email.typed, &email.normal),
            sql::costliest_hash(),
        ])
        .await?;
    let standing = Standing::read("account", quota, cx.now, &rows[0])?;
    if let Err(refused) = standing.check() {
        report(cx, "limited", None);
        return Err(refused);
    }
    let longest = longest(cx, rows[2].first())?;
    match sign_in(cx, password, (rows[1].first(), longest), &attempt).await {
        Err(error) if error.code == Code::INVALID_CREDENTIALS => announce(&standing, Err(error)),
        Err(error) => {
            // The server's own fault is no failure of the caller's.
            let _ = cx.as_service(&[rate_limit::forgive(&attempt)]).await;
            Err(error)
        }
        Ok(response) => announce(&standing.forgiven(), Ok(response)),
    }
}

async fn sign_in<H: Host, R: Row>(
    cx: &Context<'_, H>,
    password: Password,
    (row, longest): (Option<&R>, u32),
    attempt: &str,
) -> Result<Response<Bytes>> {
    let known = row.map(User::read).transpose()?;
    let stored: Option<&str> = row.map(|row| row.get(6)).transpose()?.flatten();
    let disabled: Option<Timestamp> = row.map(|row| row.get(7)).transpose()?.flatten();
    // No password is right for a disabled account, in no other time than a wrong one.
    let stored = stored.filter(|_| disabled.is_none());

    let (verdict, upgraded) = compare(cx, password, stored, longest).await?;
    let (Some(user), Some(stored), true) = (known, stored, verdict != Verdict::Wrong) else {
        return Err(refused(cx, row.and_then(|row| row.get(0).ok())));
    };
    let session = NewSession::new(cx);
    let mut statements = vec![
        sql::hold_user(user.id, stored),
        rate_limit::forgive(attempt),
        sql::create_session(user.id, stored, &session, cx.now),
        sql::create_refresh_token(&session, cx.now),
    ];
    if let Some(upgraded) = &upgraded {
        statements.push(sql::upgrade_hash(user.id, stored, upgraded));
    }
    let rows = cx.as_service(&statements).await?;
    if rows[2].is_empty() {
        // Another sign-in made the hash anew, or the password was changed, in this moment.
        report(cx, "overtaken", Some(user.id));
        return Err(Error::new(Code::OVERLOADED, "The account was just changed; try again."));
    }
    report(cx, "signed_in", Some(user.id));
    tokens(cx, StatusCode::OK, user, (session.id, session.ends), &session.token.to_secret())
}

/// What an answer costs that tells of no account: as much as the costliest account there is. That
/// is what is due, unless it was lowered since.
fn longest<H: Host, R: Row>(cx: &Context<'_, H>, row: Option<&R>) -> Result<u32> {
    let costliest: Option<&str> = row.map(|row| row.get(0)).transpose()?;
    let costliest = costliest.and_then(|cost| cost.parse().ok()).unwrap_or_default();
    Ok(cx.app.config.auth.bcrypt_cost.max(costliest))
}

/// Compares off the request's thread, as long for an unknown user as for a known one; a hash
/// that has become too old is made anew at once.
async fn compare<H: Host>(
    cx: &Context<'_, H>,
    password: Password,
    stored: Option<&str>,
    longest: u32,
) -> Result<(Verdict, Option<String>)> {
    let cost = cx.app.config.auth.bcrypt_cost;
    let stored = stored.map(str::to_owned);
    let mut salt = [0; 16];
    cx.host.random(&mut salt);
    let work = move || {
        let verdict = password.verify(stored.as_deref(), cost, longest);
        let upgraded =
            (verdict == Verdict::RightButOld).then(|| password.hash(cost, salt)).transpose();
        upgraded.map(|upgraded| (verdict, upgraded))
    };
    cx.host.compute(work).await?.map_err(Error::internal)
}

fn refused<H: Host>(cx: &Context<'_, H>, user: Option<Uuid>) -> Error {
    report(cx, "refused", user);
    Error::new(Code::INVALID_CREDENTIALS, "E-mail and password do not belong together.")
}

pub fn describe(op: Operation) -> Operation {
    op.about(
        "Begins a session. A wrong password and an unknown address look the same. Failures are also counted by \
         account and address together.",
    )
    .takes::<Input>()
    .answers::<Tokens>(200, "Signed in.")
    .fails(&[Code::INVALID_CREDENTIALS])
}
