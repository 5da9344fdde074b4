//! Contexts: every field, and what becomes of their tasks.

use http::Method;
use serde_json::json;

use crate::context::{CONTEXTS, Context, TASKS};
use crate::outcome::{Verdict, text};
use crate::shape::{is_time, is_uuid_v7};

pub async fn story(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let name = format!("Küche {}", context.tag);
    let created = context.send(alice.post(CONTEXTS).json(&json!({"name": name, "color": "#1a2b3c"}))).await?;
    created.is(201)?.shaped("/id", "a UUIDv7", is_uuid_v7)?;
    created.equals("/name", &*name)?.equals("/color", "#1a2b3c")?.equals("/task_count", 0)?;
    created.shaped("/created_at", "a time", is_time)?.shaped("/updated_at", "a time", is_time)?;
    let version = created.at("/version")?.as_u64().unwrap_or_default();
    created.must(version > 0, "a version")?;
    created.must(created.value()?.as_object().is_some_and(|it| it.len() == 7), "the contract's members")?;

    let path = format!("{CONTEXTS}/{}", created.text("/id")?);
    let read = context.send(alice.get(&path)).await?;
    read.is(200)?.must(read.json == created.json, "what POST answered")?;
    let listed = context.send(alice.get(format!("{CONTEXTS}?limit=100"))).await?;
    listed.must(listed.column("/name")?.contains(&name), "the new context in the list")?;

    let renamed = context.send(alice.patch(&path, &json!({"name": format!("{name}!"), "color": null}))).await?;
    renamed.is(200)?.equals("/name", format!("{name}!"))?.equals("/color", json!(null))?;
    renamed.equals("/version", version + 1)?.equals("/created_at", created.text("/created_at")?)?;

    context.send(alice.request(Method::DELETE, &path)).await?.is(204)?;
    context.send(alice.get(&path)).await?.problem(404)?;
    context.send(alice.delete(&path)).await?.problem(404).map(drop)
}

pub async fn faults(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let name = format!("taken {}", context.tag);
    let first = context.create(alice, CONTEXTS, json!({"name": name})).await?;
    context.send(alice.post(CONTEXTS).json(&json!({"name": name}))).await?.problem(409)?;
    let other = context.create_context(alice, "free").await?;
    let path = format!("{CONTEXTS}/{other}");
    context.send(alice.patch(&path, &json!({"name": name}))).await?.problem(409)?;
    // A record does not stand in its own way.
    let own = format!("{CONTEXTS}/{}", text(&first, "/id")?);
    context.send(alice.patch(&own, &json!({"name": name}))).await?.is(200)?;
    for color in ["red", "#12345", "#1234567", "#gggggg", ""] {
        let body = json!({"name": "", "color": color});
        context.send(alice.post(CONTEXTS).json(&body)).await?.invalid_at(&["/name", "/color"])?;
    }
    Ok(())
}

pub async fn deletion_keeps_tasks(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let id = context.create_context(alice, "short-lived").await?;
    let path = format!("{CONTEXTS}/{id}");
    let task = context.create(alice, TASKS, json!({"title": "stays", "context_id": id})).await?;
    context.create(alice, TASKS, json!({"title": "stays too", "context_id": id})).await?;
    context.send(alice.get(&path)).await?.equals("/task_count", 2)?;

    context.send(alice.delete(&path)).await?.is(204)?;
    let task = format!("{TASKS}/{}", text(&task, "/id")?);
    let kept = context.send(alice.get(&task)).await?;
    kept.is(200)?.equals("/context_id", json!(null))?.equals("/title", "stays").map(drop)
}
