//! Sessions: listed, ended one by one, by a new password, by logging out. An ended session's
//! access token is dead at once, long before it expires.

use serde_json::{Value, json};

use crate::context::{ABSENT, Context, LOGOUT, PASSWORD, SESSIONS, Session};
use crate::outcome::{Verdict, expect};
use crate::request::Request;
use crate::response::Response;
use crate::shape::{is_time, is_uuid_v7};

async fn list(context: &Context, session: &Session) -> Verdict<Response> {
    context.send(session.get(SESSIONS)).await
}

/// The id of the session that asks.
fn current(sessions: &Response) -> Verdict<String> {
    let items = sessions.is(200)?.at("/items")?.as_array().map_or(&[][..], Vec::as_slice);
    let current: Vec<&Value> = items.iter().filter(|item| item["current"] == true).collect();
    sessions.must(current.len() == 1, "one session that is `current`")?;
    Ok(current[0]["id"].as_str().unwrap_or_default().to_owned())
}

pub async fn listed(context: &Context) -> Verdict {
    let bob = context.bob().await?;
    let sessions = list(context, &bob.session).await?;
    current(&sessions)?;
    sessions.shaped("/items/0/id", "a UUIDv7", is_uuid_v7)?;
    sessions.shaped("/items/0/created_at", "a time", is_time)?;
    sessions.shaped("/items/0/last_used_at", "a time", is_time)?;
    sessions.shaped("/items/0/user_agent", "the client's name", |agent| {
        agent.starts_with("trireme-verify/")
    })?;
    let secrets = String::from_utf8_lossy(&sessions.body).contains("token");
    sessions.must(!secrets, "no token or hash").map(drop)
}

pub async fn ended_by_id(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let second = context.login(alice).await?;
    let id = current(&list(context, &second).await?)?;
    let own = current(&list(context, &alice.session).await?)?;
    expect(id != own, format!("GET {SESSIONS}"), "two sessions", "one")?;

    context.send(alice.delete(format!("{SESSIONS}/{ABSENT}"))).await?.problem(404)?;
    context.send(alice.delete(format!("{SESSIONS}/{id}"))).await?.is(204)?;
    second.expect_ended(context).await?;
    context.refresh(&second.refresh_token).await?.problem(401)?;
    alice.session.expect_alive(context).await?;
    let left = list(context, &alice.session).await?.column("/id")?;
    expect(
        !left.contains(&id),
        format!("GET {SESSIONS}"),
        "the ended session gone",
        "still there",
    )?;
    context.send(alice.delete(format!("{SESSIONS}/{id}"))).await?.problem(404).map(drop)
}

pub async fn password_change(context: &Context) -> Verdict {
    let (old, new) = (format!("before {}", context.tag), format!("after {}", context.tag));
    let carol = context.register(context.email("carol"), old.clone(), None).await?;
    let other = context.login(&carol).await?;
    let change = |current: &str, new: &str| {
        context.send(
            carol.post(PASSWORD).json(&json!({"current_password": current, "new_password": new})),
        )
    };
    change("not hers", &new).await?.is_one_of(&[401, 403, 422])?;
    change(&old, "7 bytes").await?.invalid_at(&["/new_password"])?;
    other.expect_alive(context).await?;

    context.password_changes(&carol, &new);
    change(&old, &new).await?.is(204)?;
    other.expect_ended(context).await?;
    carol.session.expect_alive(context).await?;
    context.try_login(&carol.email, &old).await?.problem_with_code(401, "invalid_credentials")?;
    context.try_login(&carol.email, &new).await?.is(200).map(drop)
}

pub async fn logout(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let session = context.login(alice).await?;
    let body = json!({"refresh_token": session.refresh_token});
    context.send(Request::post(LOGOUT).json(&body)).await?.is(204)?;
    session.expect_ended(context).await?;
    context.refresh(&session.refresh_token).await?.problem(401)?;
    alice.session.expect_alive(context).await
}
