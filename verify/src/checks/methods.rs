//! Methods and paths that lead nowhere, `HEAD` and `OPTIONS`.

use http::Method;

use crate::context::{ABSENT, Context, LOGIN, ME, SESSIONS};
use crate::outcome::Verdict;
use crate::request::Request;

pub async fn not_allowed(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let session = format!("{SESSIONS}/{ABSENT}");
    for (method, path, allowed) in [
        (Method::DELETE, "/health/live", &["get", "head"][..]),
        (Method::GET, LOGIN, &["post"]),
        (Method::PUT, SESSIONS, &["get", "head"]),
        (Method::POST, &session, &["delete"]),
        (Method::POST, ME, &["get", "head", "patch", "delete"]),
    ] {
        context.send(alice.request(method, path)).await?.not_allowed(allowed)?;
    }
    Ok(())
}

pub async fn invented(context: &Context) -> Verdict {
    context.reads_the_wire("it answers for methods that it does not know")?;
    let brew = Method::from_bytes(b"BREW").unwrap_or_default();
    let answer = context.send(context.alice().await?.request(brew, ME)).await?;
    answer.not_allowed(&["get", "head", "patch", "delete"]).map(drop)
}

pub async fn head(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    for path in ["/health/live", ME, SESSIONS, "/nowhere"] {
        context.head_like_get(alice, path).await?;
    }
    Ok(())
}

/// What a path allows, to whoever asks; a path that leads nowhere is not there for this either.
pub async fn options(context: &Context) -> Verdict {
    let options = |path| context.send(Request::new(Method::OPTIONS, path));
    options(ME).await?.is(204)?.allows(&["get", "head", "patch", "delete"])?;
    options(LOGIN).await?.is(204)?.allows(&["post"])?;
    options("/nowhere").await?.problem(404).map(drop)
}

pub async fn unknown_paths(context: &Context) -> Verdict {
    for path in
        ["/", "/nowhere", "/api", "/api/v1", "/api/v2/users/me", "/.env", "/health/liveness"]
    {
        context.send(Request::get(path)).await?.problem(404)?;
    }
    Ok(())
}

/// A path is what it says: no slash is added, dropped or merged, and nothing breaks.
pub async fn odd_paths(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let long = format!("/{}", "x".repeat(4000));
    for path in [
        "/api/v1/users/me/",
        "/api//v1/users/me",
        "//api/v1/users/me",
        "/api/v1/users/%00",
        "/api/v1/users/%zz",
        "/api/v1/users/%",
        "/api/v1/users/%ff%fe",
        "/api/v1/users/..%2f..%2fhealth",
        "/api/v1/users%2fme",
        "/api/v1/users/%5c..%5c",
        "/api/v1/health/..;/users/me",
        "/API/V1/USERS/ME",
        &long,
    ] {
        let answer = context.send(alice.get(path)).await?;
        answer.is_one_of(&[400, 404, 414])?.problem(answer.status.as_u16())?;
    }
    Ok(())
}
