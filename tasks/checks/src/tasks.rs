//! Tasks, and what the server does to them by itself.

use serde_json::{Value, json};
use trireme_verify::{
    Account, Context, Field, Filter, Literal, Resource, Verdict, expect, shape::is_time,
};

use crate::contexts;

pub const RESOURCE: Resource = Resource::new(
    "/api/v1/tasks",
    &[
        Field::text("title", 1, 200).required().visible(),
        Field::text("description", 0, 10_000),
        Field::choice("status", &["todo", "in_progress", "done"]).default(Literal::Text("todo")),
        Field::choice("priority", &["low", "medium", "high"]).default(Literal::Text("medium")),
        Field::time("due_at"),
        Field::reference("context_id", &contexts::RESOURCE),
    ],
)
.computed(&["completed_at"])
.sorts(&["created_at", "updated_at", "due_at", "title"])
.filters(&[
    Filter::equal("status"),
    Filter::equal("priority"),
    Filter::equal("context_id"),
    Filter::before("due_before", "due_at"),
    Filter::after("due_after", "due_at"),
    Filter::search("q"),
]);

/// Set when a task becomes done, kept while it stays so, and taken back when it no longer is.
pub async fn completed_at(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let task = RESOURCE.create(context, alice, &json!({"title": "to be done"})).await?;
    let path = RESOURCE.at(&task)?;
    context.send(alice.get(&path)).await?.equals("/completed_at", Value::Null)?;
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
    let born = context.send(alice.post(RESOURCE.path).json(&body)).await?;
    born.is(201)?.shaped("/completed_at", "a time", is_time).map(drop)
}

/// A context with these tasks; hands out the list's path up to the next parameter. Other checks'
/// tasks do not get in.
async fn stage(context: &Context, user: &Account, tasks: &[Value]) -> Verdict<String> {
    let place = contexts::RESOURCE.create(context, user, &json!({})).await?;
    for task in tasks {
        let mut task = task.clone();
        task["context_id"] = place["id"].clone();
        RESOURCE.create(context, user, &task).await?;
    }
    let place = place["id"].as_str().unwrap_or_default();
    Ok(format!("{}?context_id={place}&sort=title", RESOURCE.path))
}

/// The titles that a query finds, as one word.
async fn expect_titles(context: &Context, user: &Account, path: &str, titles: &str) -> Verdict {
    let found = context.send(user.get(path)).await?.column("/title")?.join(" ");
    expect(found == titles, format!("GET {path}"), format!("the tasks {titles}"), found)
}

/// `q` looks for text as it is written, in any case: the wildcards of SQL mean nothing.
pub async fn search(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let titles = ["walrus", "50%_off", "50-xoff", "back\\slash", "it's", "Straße", "ΟΔΥΣΣΕΑΣ"];
    let list = stage(context, alice, &titles.map(|title| json!({"title": title}))).await?;
    for (q, titles) in [
        ("walrus", "walrus"),
        ("alru", "walrus"),
        ("50%25_", "50%_off"),
        ("%25", "50%_off"),
        ("_", "50%_off"),
        ("%5C", "back\\slash"),
        ("it%27s", "it's"),
        // WALRUS, STRASSE, ΟΔΥΣ, ας: the last letter of a word has a form of its own.
        ("WALRUS", "walrus"),
        ("STRASSE", "Straße"),
        ("%CE%9F%CE%94%CE%A5%CE%A3", "ΟΔΥΣΣΕΑΣ"),
        ("%CE%B1%CF%82", "ΟΔΥΣΣΕΑΣ"),
        ("nowhere", ""),
    ] {
        expect_titles(context, alice, &format!("{list}&q={q}"), titles).await?;
    }
    Ok(())
}

/// Filters narrow each other down, and bounds may have any form of a time.
pub async fn due_between(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let list = stage(
        context,
        alice,
        &[
            json!({"title": "a", "priority": "low", "due_at": "2031-01-01T00:00:00.000Z"}),
            json!({"title": "b", "priority": "high", "due_at": "2031-01-02T00:00:00.000Z"}),
            json!({"title": "c", "priority": "high", "status": "done"}),
            json!({"title": "d", "status": "in_progress", "due_at": "2031-01-03T00:00:00.000Z"}),
        ],
    )
    .await?;
    for (filter, titles) in [
        ("", "a b c d"),
        ("&status=todo", "a b"),
        ("&priority=high&status=todo", "b"),
        ("&due_before=2031-01-02T12:00:00.000Z", "a b"),
        ("&due_after=2031-01-01T12:00:00.000Z", "b d"),
        ("&due_after=2031-01-01T12:00:00Z&due_before=2031-01-02T12:00:00Z", "b"),
        ("&due_after=2032-01-01T00:00:00.000Z", ""),
    ] {
        expect_titles(context, alice, &format!("{list}{filter}"), titles).await?;
    }
    Ok(())
}

/// A task that is taken out of its context no longer counts there.
pub async fn leaving_a_context(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let place = contexts::RESOURCE.create(context, alice, &json!({})).await?;
    let task = RESOURCE.create(context, alice, &json!({"context_id": place["id"]})).await?;
    let out = alice.patch(RESOURCE.at(&task)?, &json!({"context_id": null}));
    context.send(out).await?.is(200)?.equals("/context_id", Value::Null)?;
    let left = context.send(alice.get(contexts::RESOURCE.at(&place)?)).await?;
    left.is(200)?.equals("/task_count", 0).map(drop)
}
