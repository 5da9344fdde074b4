//! JSON Merge Patch (RFC 7396).

use http::Method;
use serde_json::{Value, json};

use crate::context::{CONTEXTS, Context, TASKS};
use crate::outcome::{Verdict, text};

pub async fn null_clears(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let place = context.create_context(alice, "cleared").await?;
    let body = json!({
        "title": "full", "description": "x", "due_at": "2031-01-01T00:00:00.000Z", "context_id": place,
    });
    let task = context.create(alice, TASKS, body).await?;
    let path = format!("{TASKS}/{}", text(&task, "/id")?);
    let nulls = json!({"description": null, "due_at": null, "context_id": null});
    let cleared = context.send(alice.patch(&path, &nulls)).await?;
    cleared.is(200)?.equals("/title", "full")?;
    for member in ["/description", "/due_at", "/context_id"] {
        cleared.equals(member, Value::Null)?;
    }
    let place = context.send(alice.get(format!("{CONTEXTS}/{place}"))).await?;
    place.equals("/task_count", 0).map(drop)
}

pub async fn null_on_required(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let task = context.create_task(alice, "required").await?;
    let nulls = json!({"title": null, "status": null, "priority": null});
    let answer = context.send(alice.patch(&task, &nulls)).await?;
    answer.invalid_at(&["/title", "/status", "/priority"])?;
    let place = format!("{CONTEXTS}/{}", context.create_context(alice, "required").await?);
    let answer = context.send(alice.patch(&place, &json!({"name": null}))).await?;
    answer.invalid_at(&["/name"])?;
    // A refused patch changes nothing, not even its valid half.
    let half = json!({"title": "changed", "status": "bogus"});
    context.send(alice.patch(&task, &half)).await?.invalid_at(&["/status"])?;
    context.send(alice.get(&task)).await?.equals("/title", "required").map(drop)
}

/// RFC 7396 would have such a patch replace the record; no record is a list or a number.
pub async fn not_an_object(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let task = context.create_task(alice, "an object").await?;
    for body in [json!([]), json!(null), json!("text"), json!(1), json!([{"title": "x"}])] {
        context.send(alice.patch(&task, &body)).await?.problem(422)?;
    }
    Ok(())
}

pub async fn media_types(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let task = context.create_task(alice, "typed").await?;
    let patch = |media, body| context.send(alice.request(Method::PATCH, &task).body(media, body));
    patch("application/merge-patch+json", r#"{"title": "a"}"#).await?.is(200)?;
    patch("application/json", r#"{"title": "b"}"#).await?.is(200)?.equals("/title", "b")?;
    patch("application/json-patch+json", "[]").await?.problem(415)?;
    patch("text/plain", r#"{"title": "c"}"#).await?.problem(415)?;
    patch("application/merge-patch+json", r#"{"title": "#).await?.problem(400).map(drop)
}

pub async fn empty_patch(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let task = context.create_task(alice, "untouched").await?;
    let answer = context.send(alice.patch(&task, &json!({}))).await?;
    answer.is(200)?.equals("/title", "untouched").map(drop)
}
