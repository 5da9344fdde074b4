//! Methods and paths that lead nowhere, and `HEAD`.

use http::Method;

use crate::context::{ABSENT, CONTEXTS, Context, LOGIN, ME, TASKS};
use crate::outcome::Verdict;
use crate::request::Request;
use crate::response::Response;

pub async fn not_allowed(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let record = format!("{TASKS}/{ABSENT}");
    for (method, path, allowed) in [
        (Method::DELETE, "/health/live", &["get", "head"][..]),
        (Method::GET, LOGIN, &["post"]),
        (Method::PUT, TASKS, &["get", "head", "post"]),
        (Method::DELETE, CONTEXTS, &["get", "head", "post"]),
        (Method::POST, &record, &["get", "head", "patch", "delete"]),
        (Method::POST, ME, &["get", "head", "patch", "delete"]),
    ] {
        let answer = context.send(alice.request(method, path)).await?;
        is_not_allowed(&answer, allowed)?;
    }
    Ok(())
}

pub async fn invented(context: &Context) -> Verdict {
    context.reads_the_wire("it answers for methods that it does not know")?;
    let brew = Method::from_bytes(b"BREW").unwrap_or_default();
    let answer = context.send(context.alice().await?.request(brew, TASKS)).await?;
    is_not_allowed(&answer, &["get", "head", "post"])
}

fn is_not_allowed(answer: &Response, allowed: &[&str]) -> Verdict {
    let said = answer.problem(405)?.list("allow");
    let whole = allowed.iter().all(|method| said.contains(&(*method).to_owned()));
    answer.must(whole, format!("Allow with {}, not {said:?}", allowed.join(", "))).map(drop)
}

pub async fn head(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let task = context.create_task(alice, "headed").await?;
    for path in ["/health/live", TASKS, CONTEXTS, ME, &task, "/nowhere"] {
        let get = context.send(alice.get(path)).await?;
        let head = context.send(alice.request(Method::HEAD, path)).await?;
        head.is(get.status.as_u16())?.must(head.body.is_empty(), "no body")?;
        for name in ["content-type", "etag", "cache-control", "content-security-policy", "vary"] {
            let (ours, theirs) = (head.header(name), get.header(name));
            head.must(ours == theirs, format!("{name} {theirs:?} like GET, not {ours:?}"))?;
        }
        let length = head.header("content-length");
        let told = length.is_none_or(|length| length == get.body.len().to_string());
        head.must(told, format!("no Content-Length or GET's, not {length:?}"))?;
    }
    Ok(())
}

pub async fn unknown_paths(context: &Context) -> Verdict {
    for path in ["/", "/nowhere", "/api", "/api/v1", "/api/v2/tasks", "/.env", "/health/liveness"] {
        context.send(Request::get(path)).await?.problem(404)?;
    }
    Ok(())
}

/// A path is what it says: no slash is added, dropped or merged, and nothing breaks.
pub async fn odd_paths(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let long = format!("/{}", "x".repeat(4000));
    for path in [
        "/api/v1/tasks/",
        "/api//v1/tasks",
        "//api/v1/tasks",
        "/api/v1/tasks/%00",
        "/api/v1/tasks/%zz",
        "/api/v1/tasks/%",
        "/api/v1/tasks/%ff%fe",
        "/api/v1/tasks/..%2f..%2fusers%2fme",
        "/api/v1/tasks%2f",
        "/api/v1/tasks/%5c..%5c",
        "/api/v1/tasks/..;/users/me",
        "/API/V1/TASKS",
        "/api/v1/users/me/",
        &long,
    ] {
        let answer = context.send(alice.get(path)).await?;
        answer.is_one_of(&[400, 404, 414])?.problem(answer.status.as_u16())?;
    }
    Ok(())
}
