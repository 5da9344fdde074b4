//! The places where the caller is signed in.

use schemars::JsonSchema;
use serde::Serialize;
use shared::{Timestamp, Uuid};

#[derive(Serialize, JsonSchema)]
struct Session<'a> {
    id: Uuid,
    created_at: Timestamp,
    /// When its tokens were last refreshed.
    last_used_at: Timestamp,
    user_agent: Option<&'a str>,
    /// The one that this request came through.
    current: bool,
}

/// All at once: a person has few.
#[derive(Serialize, JsonSchema)]
struct Sessions<'a> {
    items: Vec<Session<'a>>,
    next_cursor: Option<String>,
}

pub mod list {
    use bytes::Bytes;
    use http::{Response, StatusCode};
    use shared::{error::Result, host::Host, sql::Row};

    use super::{Session, Sessions};
    use crate::{context::Context, openapi::Operation, respond, users::sql};

    pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
        let caller = cx.caller()?;
        let rows = cx.as_caller(&[sql::sessions(caller.user, cx.now)]).await?;
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
        op.answers::<Sessions>(200, "All of them, the newest first.")
    }
}

pub mod end {
    use bytes::Bytes;
    use http::Response;
    use shared::{Code, Error, error::Result, host::Host};

    use crate::{context::Context, openapi::Operation, respond, users::sql};

    pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
        let session = cx.id()?;
        let user = cx.caller()?.user;
        let rows = cx.as_caller(&[sql::end_session(user, session)]).await?;
        if rows[0].is_empty() {
            return Err(Error::not_found());
        }
        tracing::info!(target: "auth", outcome = "session_ended", %user, address = %cx.client.address, "authentication");
        Ok(respond::no_content())
    }

    pub fn describe(op: Operation) -> Operation {
        op.answers_nothing(204, "The session has ended, with all its tokens.")
            .fails(&[Code::NotFound])
    }
}
