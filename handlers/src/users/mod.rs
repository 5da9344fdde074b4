//! The own account and its sessions.

pub mod delete;
pub mod get;
pub mod password;
pub mod remove;
pub mod sessions;
pub mod sql;
pub mod update;

use schemars::JsonSchema;
use trireme_core::{
    Code, Error, Timestamp, Uuid,
    auth::password::{NewPassword, Password, Verdict},
    error::Result,
    host::Host,
    sql::Row,
};

use crate::{
    App,
    context::Context,
    rate_limit::{self, Standing},
};

crate::record! {
    /// An account, as its owner sees it.
    #[derive(Clone)]
    pub struct User<'a> {
        #[schemars(example = &"01a1f8d3-ea00-7c41-9d2e-5b6f7a8091a2")]
        pub id: Uuid,
        /// In lower case.
        #[schemars(extend("format" = "email"), example = &"ada@example.com")]
        pub email: &'a str,
        #[schemars(example = &"Ada Lovelace")]
        pub name: Option<&'a str>,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
        #[serde(skip)]
        pub version: i64,
    }
    etag { version }
}

impl<'a> User<'a> {
    pub fn new(id: Uuid, email: &'a str, name: Option<&'a str>, now: Timestamp) -> Self {
        Self { id, email, name, created_at: now, updated_at: now, version: 1 }
    }
}

/// An e-mail address. It is trimmed, lower-cased and brought to Unicode's Normalization Form C;
/// beyond ASCII its domain holds letters and digits that can be told apart (UTS 39).
#[derive(JsonSchema)]
#[schemars(inline)]
pub struct EmailText(
    #[schemars(length(max = 254), extend("format" = "email"), example = &"ada@example.com")]
    #[expect(dead_code, reason = "only its schema is used")]
    String,
);

/// Hashes a new password off the request's thread.
pub async fn hash<H: Host>(host: &H, app: &App<H>, password: &NewPassword) -> Result<String> {
    let cost = app.config.auth.bcrypt_cost;
    let mut salt = [0; 16];
    host.random(&mut salt);
    let password: Password = (**password).clone();
    host.compute(move || password.hash(cost, salt)).await?.map_err(Error::internal)
}

/// Confirms a change with the caller's password; gives the stored hash, so that the change can
/// demand that it is still the one. Whoever has a token and guesses the password is counted
/// like whoever guesses at the login.
pub async fn confirm<H: Host>(cx: &Context<'_, H>, password: Password) -> Result<String> {
    let user = cx.caller()?.user;
    let rows = cx.as_caller(&[sql::password_hash(user)]).await?;
    let row = rows[0].first().ok_or_else(Error::not_found)?;
    let stored = row.get::<Option<&str>>(0)?.map(str::to_owned);

    let quota = cx.app.config.limits.auth_per_account;
    let attempt =
        rate_limit::account_key(&cx.app.config.auth.keys, &user.to_string(), cx.client.address);
    let rows = cx.as_service(&[rate_limit::count(&attempt, quota, cx.now)]).await?;
    let standing = Standing::read("account", quota, cx.now, &rows[0])?;
    let report = |outcome| {
        tracing::info!(target: "auth", outcome, %user, address = %cx.client.address, "authentication");
    };
    standing.check().inspect_err(|_| report("limited"))?;

    let cost = cx.app.config.auth.bcrypt_cost;
    let compared =
        cx.host.compute(move || (password.verify(stored.as_deref(), cost, cost), stored)).await;
    let right = match compared {
        Ok((verdict, stored)) => stored.filter(|_| verdict != Verdict::Wrong).ok_or_else(|| {
            report("confirmation_refused");
            standing.announced(wrong_password())
        })?,
        Err(busy) => {
            cx.as_service(&[rate_limit::forgive(&attempt)]).await?;
            return Err(busy.into());
        }
    };
    cx.as_service(&[rate_limit::forgive(&attempt)]).await?;
    Ok(right)
}

/// Also when somebody else changed it between its confirmation and what was to be done.
pub fn wrong_password() -> Error {
    Error::new(Code::WRONG_PASSWORD, "The password is wrong.")
}
