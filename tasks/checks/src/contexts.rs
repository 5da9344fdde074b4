//! Contexts, and what becomes of their tasks.

use serde_json::json;
use trireme_verify::{Context, Field, Resource, Verdict};

use crate::tasks;

pub const RESOURCE: Resource = Resource::new(
    "/api/v1/contexts",
    &[
        Field::text("name", 1, 100).required().visible().unique("name_taken"),
        Field::form(
            "color",
            &["#1a2b3c", "#ffffff"],
            &["red", "#12345", "#1234567", "#gggggg", ""],
        ),
    ],
)
.computed(&["task_count"])
.sorts(&["created_at", "updated_at", "name"]);

pub async fn deletion_keeps_tasks(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let place = RESOURCE.create(context, alice, &json!({})).await?;
    let path = RESOURCE.at(&place)?;
    let new = context.send(alice.get(&path)).await?;
    new.is(200)?.equals("/task_count", 0)?;
    let within = json!({"title": "stays", "context_id": place["id"]});
    let task = tasks::RESOURCE.create(context, alice, &within).await?;
    tasks::RESOURCE.create(context, alice, &within).await?;
    context.send(alice.get(&path)).await?.equals("/task_count", 2)?;

    context.send(alice.delete(&path)).await?.is(204)?;
    let kept = context.send(alice.get(tasks::RESOURCE.at(&task)?)).await?;
    kept.is(200)?.equals("/context_id", json!(null))?.equals("/title", "stays").map(drop)
}

/// The count is part of the representation, and so of its `ETag`.
pub async fn count_in_tag(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let place = RESOURCE.create(context, alice, &json!({})).await?;
    let path = RESOURCE.at(&place)?;
    let before = context.send(alice.get(&path)).await?;
    let etag = before.need_header("etag")?;
    tasks::RESOURCE.create(context, alice, &json!({"context_id": place["id"]})).await?;
    let stale = alice.delete(&path).header("if-match", etag);
    context.send(stale).await?.problem(412)?;
    let after = context.send(alice.get(&path).header("if-none-match", etag)).await?;
    after.is(200)?.equals("/task_count", 1).map(drop)
}
