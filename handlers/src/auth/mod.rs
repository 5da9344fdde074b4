//! Signing up, in, on and out.

pub mod login;
pub mod logout;
pub mod refresh;
pub mod register;
pub mod sql;
pub mod sweep;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use trireme_core::{
    Secret, Timestamp, Uuid,
    auth::{access, refresh::RefreshToken},
    error::Result,
    host::Host,
};

use crate::{context::Context, respond, users::User};

/// What whoever signs in is given.
#[derive(Serialize, JsonSchema)]
pub struct Tokens<'a> {
    user: User<'a>,
    /// A JWT; send it as `Authorization: Bearer …`.
    #[schemars(example = &"eyJ0eXAiOiJhdCtqd3QifQ.ZXhhbXBsZQ.not-a-real-signature")]
    access_token: &'a str,
    #[schemars(extend("const" = "Bearer"))]
    token_type: &'static str,
    /// Seconds until the access token ends.
    #[schemars(range(min = 0), example = 900)]
    expires_in: i64,
    /// Opaque; exchange it at `/api/v1/auth/refresh`. Each is used once.
    #[schemars(example = &"example_refresh_token_that_opens_nothing_AA")]
    refresh_token: &'a str,
}

/// A session about to begin, and its first refresh token.
pub struct NewSession {
    pub id: Uuid,
    pub token: RefreshToken,
    pub user_agent: Option<String>,
    pub ends: Timestamp,
    pub token_ends: Timestamp,
}

impl NewSession {
    pub fn new<H: Host>(cx: &Context<'_, H>) -> Self {
        let auth = &cx.app.config.auth;
        let ends = cx.now.plus(auth.session_max_age);
        // What a browser calls itself is kept to be shown; a long one is cut.
        let user_agent =
            cx.header(header::USER_AGENT).map(|agent| agent.chars().take(255).collect());
        Self {
            id: cx.new_id(),
            token: new_token(cx.host),
            user_agent,
            ends,
            token_ends: cx.now.plus(auth.refresh_token_ttl).min(ends),
        }
    }
}

pub fn new_token<H: Host>(host: &H) -> RefreshToken {
    let mut random = [0; 32];
    host.random(&mut random);
    RefreshToken::from_random(random)
}

/// Answers with tokens for a session that stands in the database.
fn tokens<H: Host>(
    cx: &Context<'_, H>,
    status: StatusCode,
    user: User<'_>,
    (session, session_ends): (Uuid, Timestamp),
    refresh: &Secret,
) -> Result<Response<Bytes>> {
    let auth = &cx.app.config.auth;
    let (access, expires_in) =
        access::issue(auth, cx.now, session_ends, user.id, session, cx.new_id());
    respond::json(
        status,
        &Tokens {
            user,
            access_token: access.reveal(),
            token_type: "Bearer",
            expires_in,
            refresh_token: refresh.reveal(),
        },
    )
}

/// The log record that each outcome of authentication leaves.
fn report<H: Host>(cx: &Context<'_, H>, outcome: &'static str, user: Option<Uuid>) {
    tracing::info!(
        target: "auth",
        outcome,
        user = user.map(tracing::field::display),
        address = %cx.client.address,
        "authentication"
    );
}
