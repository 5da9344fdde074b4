//! Tasks: every field, and what the server does to them by itself.

use serde_json::{Value, json};

use crate::context::{Context, TASKS};
use crate::outcome::{Verdict, expect};
use crate::shape::{is_time, is_uuid_v7};

pub async fn story(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let place = context.create_context(alice, "story").await?;
    let body = json!({
        "title": "Buy \"milk\" & <eggs> 🥚", "description": "two\nlines", "status": "in_progress",
        "priority": "high", "due_at": "2031-02-03T04:05:06.789Z", "context_id": place,
    });
    let created = context.send(alice.post(TASKS).json(&body)).await?;
    created.is(201)?.shaped("/id", "a UUIDv7", is_uuid_v7)?;
    for (member, value) in body.as_object().into_iter().flatten() {
        created.equals(&format!("/{member}"), value.clone())?;
    }
    created.equals("/completed_at", Value::Null)?;
    created.shaped("/created_at", "a time", is_time)?.shaped("/updated_at", "a time", is_time)?;
    let members = created.value()?.as_object().map_or(0, serde_json::Map::len);
    created.must(members == 11, "the contract's members")?;

    let path = format!("{TASKS}/{}", created.text("/id")?);
    let read = context.send(alice.get(&path)).await?;
    read.is(200)?.must(read.json == created.json, "what POST answered")?;

    let version = created.at("/version")?.as_u64().unwrap_or_default();
    created.must(version > 0, "a version")?;
    let changed = context.send(alice.patch(&path, &json!({"title": "Bought"}))).await?;
    changed.is(200)?.equals("/title", "Bought")?.equals("/version", version + 1)?;
    // What the patch does not name stays.
    changed.equals("/description", "two\nlines")?.equals("/context_id", place)?;
    changed.equals("/created_at", created.text("/created_at")?)?;
    let later = changed.text("/updated_at")? >= created.text("/updated_at")?;
    changed.must(later, "a later updated_at")?;

    context.send(alice.delete(&path)).await?.is(204)?;
    context.send(alice.get(&path)).await?.problem(404)?;
    context.send(alice.delete(&path)).await?.problem(404).map(drop)
}

pub async fn defaults(context: &Context) -> Verdict {
    let body = json!({"title": "bare"});
    let bare = context.send(context.alice().await?.post(TASKS).json(&body)).await?;
    bare.is(201)?.equals("/status", "todo")?.equals("/priority", "medium")?;
    for member in ["/description", "/due_at", "/context_id", "/completed_at"] {
        bare.equals(member, Value::Null)?;
    }
    Ok(())
}

/// Set when a task becomes done, kept while it stays so, and taken back when it no longer is.
pub async fn completed_at(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let path = context.create_task(alice, "to be done").await?;
    let set = |status: &str| context.send(alice.patch(&path, &json!({"status": status})));

    let done = set("done").await?;
    done.is(200)?.shaped("/completed_at", "a time", is_time)?;
    let kept = context.send(alice.patch(&path, &json!({"title": "done"}))).await?;
    kept.equals("/completed_at", done.text("/completed_at")?)?;
    set("done").await?.equals("/completed_at", done.text("/completed_at")?)?;
    set("in_progress").await?.equals("/completed_at", Value::Null)?;
    set("done").await?.shaped("/completed_at", "a time", is_time)?;
    set("todo").await?.equals("/completed_at", Value::Null)?;

    let body = json!({"title": "born done", "status": "done"});
    let born = context.send(alice.post(TASKS).json(&body)).await?;
    born.is(201)?.shaped("/completed_at", "a time", is_time).map(drop)
}

/// A due date with an offset is the same instant in UTC; a server may also insist on UTC.
pub async fn offsets(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let body = json!({"title": "offset", "due_at": "2031-01-01T01:30:00+02:00"});
    let answer = context.send(alice.post(TASKS).json(&body)).await?;
    if answer.is_one_of(&[201, 422])?.status == 201 {
        answer.equals("/due_at", "2030-12-31T23:30:00.000Z")?;
    }
    let body = json!({"title": "seconds", "due_at": "2031-01-01T01:30:00Z"});
    let answer = context.send(alice.post(TASKS).json(&body)).await?;
    answer.is(201)?.equals("/due_at", "2031-01-01T01:30:00.000Z").map(drop)
}

/// From 0001 to 9999 in UTC: each comes back as it was sent, and in order.
pub async fn years(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let place = context.create_context(alice, "years").await?;
    let times = [
        "0001-01-01T00:00:00.000Z",
        "0099-12-31T23:59:59.999Z",
        "1582-10-10T00:00:00.000Z",
        "1882-12-31T12:00:00.001Z",
        "1969-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59.999Z",
    ];
    for time in times {
        let body = json!({"title": time, "due_at": time, "context_id": place});
        let task = context.send(alice.post(TASKS).json(&body)).await?;
        task.is(201)?.equals("/due_at", time)?;
        let read = context.send(alice.get(format!("{TASKS}/{}", task.text("/id")?))).await?;
        read.is(200)?.equals("/due_at", time)?;
    }
    let mut walked = Vec::new();
    let mut cursor = String::new();
    for _ in times {
        let path = format!("{TASKS}?context_id={place}&sort=due_at&limit=1{cursor}");
        let page = context.send(alice.get(path)).await?;
        walked.extend(page.is(200)?.column("/due_at")?);
        let next = page.at("/next_cursor")?.as_str().unwrap_or_default();
        cursor = format!("&cursor={next}");
    }
    expect(walked == times, format!("GET {TASKS}?sort=due_at"), times.join(" "), walked.join(" "))?;
    for time in ["0000-12-31T23:59:59.999Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"] {
        let body = json!({"title": "no year of ours", "due_at": time});
        context.send(alice.post(TASKS).json(&body)).await?.invalid_at(&["/due_at"])?;
    }
    Ok(())
}

pub async fn faults(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    for due in ["2031-02-30T00:00:00.000Z", "2031-01-01", "2031-01-01T00:00:00", "99999-01-01T00:00:00Z", ""] {
        let body = json!({"title": "x", "due_at": due});
        context.send(alice.post(TASKS).json(&body)).await?.invalid_at(&["/due_at"])?;
    }
    for (member, value) in [("status", "Done"), ("priority", "urgent")] {
        let body = json!({"title": "x", member: value});
        context.send(alice.post(TASKS).json(&body)).await?.invalid_at(&[&format!("/{member}")])?;
    }
    context.send(alice.get(format!("{TASKS}/not-an-id"))).await?.is_one_of(&[400, 404]).map(drop)
}
