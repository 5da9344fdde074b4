//! The filters of the task list. Each check looks at a context of its own, so that other
//! checks' tasks do not get in.

use serde_json::{Value, json};

use crate::context::{Account, Context, TASKS};
use crate::outcome::{Verdict, expect};

/// A context with these tasks; hands out the list's path up to the next parameter.
async fn stage(context: &Context, user: &Account, name: &str, tasks: &[Value]) -> Verdict<String> {
    let place = context.create_context(user, name).await?;
    for task in tasks {
        let mut task = task.clone();
        task["context_id"] = place.clone().into();
        context.create(user, TASKS, task).await?;
    }
    Ok(format!("{TASKS}?context_id={place}&sort=title"))
}

/// The titles that a query finds, as one word.
async fn expect_titles(context: &Context, user: &Account, path: &str, titles: &str) -> Verdict {
    let found = context.send(user.get(path)).await?.column("/title")?.join(" ");
    expect(found == titles, format!("GET {path}"), format!("the tasks {titles}"), found)
}

pub async fn each_filter(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let list = stage(
        context,
        alice,
        "filters",
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
        ("&status=done", "c"),
        ("&status=in_progress", "d"),
        ("&priority=low", "a"),
        ("&priority=medium", "d"),
        ("&priority=high", "b c"),
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

/// `q` looks for text as it is written, in any case: the wildcards of SQL mean nothing.
pub async fn search(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let titles = ["walrus", "50%_off", "50-xoff", "back\\slash", "it's", "Straße", "ΟΔΥΣΣΕΑΣ"];
    let list = stage(context, alice, "search", &titles.map(|title| json!({"title": title}))).await?;
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

pub async fn bounds(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    for query in [
        "status=bogus",
        "priority=urgent",
        "context_id=no-id",
        "due_before=yesterday",
        "due_after=2031-02-30T00:00:00.000Z",
        "due_before=0000-12-31T23:59:59.999Z",
        "due_after=9999-12-31T23:59:59-00:01",
        "sort=colour",
        "sort=--title",
        "limit=0",
        "limit=101",
        "limit=-1",
    ] {
        context.send(alice.get(format!("{TASKS}?{query}"))).await?.problem(422)?;
    }
    for query in ["limit=ten", "limit=1e1", "limit=99999999999999999999"] {
        context.send(alice.get(format!("{TASKS}?{query}"))).await?.is_one_of(&[400, 422])?;
    }
    Ok(())
}
