//! The places where the caller is signed in.

use schemars::JsonSchema;
use serde::Serialize;
use trireme_core::{Timestamp, Uuid};

/// A place where the account is signed in.
#[derive(Serialize, JsonSchema)]
struct Session<'a> {
    #[schemars(example = &"01a1f8d3-ea00-7d19-8f3a-0b1c2d3e4f50")]
    id: Uuid,
    created_at: Timestamp,
    /// When its tokens were last refreshed.
    last_used_at: Timestamp,
    /// What the browser or program called itself when it signed in.
    #[schemars(example = &"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")]
    user_agent: Option<&'a str>,
    /// The one that this request came through.
    current: bool,
}

/// The newest hundred sessions, at once: a person has few.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionPage")]
struct Sessions<'a> {
    items: Vec<Session<'a>>,
    /// Always null.
    next_cursor: Option<String>,
}

pub mod list {
    use bytes::Bytes;
    use http::{Response, StatusCode};
    use trireme_core::{error::Result, host::Host, sql::Row};

    use super::{Session, Sessions};
    use crate::{context::Context, openapi::Operation, respond, users::sql};

    pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
        let caller = cx.caller()?;
        let unused_since = cx.now.minus(cx.app.config.auth.refresh_token_ttl);
        let rows = cx.as_caller(&[sql::sessions(caller.user, unused_since, cx.now)]).await?;
        let items = rows[0].iter().map(|row| {
            let id = row.get(0)?;
            Ok(Session {
                id,
                created_at: row.get(1)?,
                last_used_at: row.get(2)?,
                user_agent: row.get(3)?,
                current: caller.session == Some(id),
            })
        });
        let items = items.collect::<Result<_>>()?;
        respond::json(StatusCode::OK, &Sessions { items, next_cursor: None })
    }

    pub fn describe(op: Operation) -> Operation {
        op.answers::<Sessions>(200, "The newest hundred that can be continued.")
    }
}

pub mod end {
    use bytes::Bytes;
    use http::Response;
    use trireme_core::{Code, Error, error::Result, host::Host};

    use crate::{context::Context, openapi::Operation, respond, users::sql};

    pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
        let session = cx.id()?;
        let user = cx.caller()?.user;
        let rows = cx.as_caller(&[sql::end_session(user, session, cx.now)]).await?;
        if rows[0].is_empty() {
            return Err(Error::not_found());
        }
        tracing::info!(target: "auth", outcome = "session_ended", %user, address = %cx.client.address, "authentication");
        Ok(respond::no_content())
    }

    pub fn describe(op: Operation) -> Operation {
        op.answers_nothing(204, "The session has ended, with all its tokens.")
            .fails(&[Code::NOT_FOUND])
    }
}
