//! A record's life: created, read, listed, changed, deleted.

use serde_json::Value;

use super::Resource;
use crate::context::Context;
use crate::outcome::Verdict;
use crate::shape::{is_time, is_uuid_v7};

/// What every record has.
const KEPT: [&str; 4] = ["id", "created_at", "updated_at", "version"];

pub async fn story(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let body = resource.full(cx, alice, 0).await?;
    let created = cx.send(alice.post(resource.path).json(&body)).await?;
    created.is(201)?.shaped("/id", "a UUIDv7", is_uuid_v7)?;
    for (member, value) in body.as_object().into_iter().flatten() {
        created.equals(&format!("/{member}"), value.clone())?;
    }
    created.shaped("/created_at", "a time", is_time)?.shaped("/updated_at", "a time", is_time)?;
    let version = created.at("/version")?.as_u64().unwrap_or_default();
    created.must(version > 0, "a version")?;
    let declared = resource.fields.iter().map(|field| field.name);
    let mut members: Vec<&str> =
        declared.chain(KEPT).chain(resource.computed.iter().copied()).collect();
    members.sort_unstable();
    let found = created
        .value()?
        .as_object()
        .map(|record| record.keys().map(String::as_str).collect::<Vec<_>>());
    let said = found.map(|mut found| {
        found.sort_unstable();
        found == members
    });
    created.must(said == Some(true), format!("the members {} alone", members.join(", ")))?;

    let path = resource.at(created.value()?)?;
    let place = created.need_header("location")?;
    created.must(place == path, format!("Location: {path}, not {place}"))?;
    let read = cx.send(alice.get(&path)).await?;
    read.is(200)?.must(read.json == created.json, "what POST answered")?;
    read.has_header("etag", created.need_header("etag")?)?;
    let list = cx.send(alice.get(resource.list("limit=100"))).await?;
    list.must(
        list.column("/id")?.first().map(String::as_str) == created.text("/id").ok(),
        "the newest record first",
    )?;

    let change = resource.change(cx, alice, 1).await?;
    let changed = cx.send(alice.patch(&path, &change)).await?;
    changed.is(200)?.equals("/version", version + 1)?;
    // What the patch does not name stays.
    for (member, value) in body.as_object().into_iter().flatten() {
        changed.equals(&format!("/{member}"), change.get(member).unwrap_or(value).clone())?;
    }
    changed.equals("/created_at", created.text("/created_at")?)?;
    let later = changed.text("/updated_at")? >= created.text("/updated_at")?;
    changed.must(later, "a later updated_at")?;
    let read = cx.send(alice.get(&path)).await?;
    read.is(200)?.must(read.json == changed.json, "what PATCH answered")?;

    cx.send(alice.delete(&path)).await?.is(204)?;
    cx.send(alice.get(&path)).await?.problem(404)?;
    cx.send(alice.delete(&path)).await?.problem(404)?;
    cx.send(alice.patch(&path, &change)).await?.problem(404).map(drop)
}

/// What is left out has its default, or is null; null at creation is as good as nothing said.
pub async fn defaults(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let mut body = resource.minimal(cx, alice, 0).await?;
    for nulls in [false, true] {
        let left_out = resource.fields.iter().filter(|field| !field.required);
        for field in left_out.clone().filter(|field| nulls && field.is_nullable()) {
            body[field.name] = Value::Null;
        }
        for field in resource.fields.iter().filter(|field| field.unique.is_some() && field.required)
        {
            body[field.name] = field.sample(cx, alice, 0).await?;
        }
        let bare = cx.send(alice.post(resource.path).json(&body)).await?;
        bare.is(201)?;
        for field in left_out {
            bare.equals(&format!("/{}", field.name), field.absent())?;
        }
    }
    Ok(())
}
