//! Conditional requests (RFC 9110, section 13).

use http::Method;
use serde_json::json;

use crate::client::together;
use crate::context::{CONTEXTS, Context, ME, TASKS};
use crate::outcome::{Verdict, expect, text};

pub async fn strong_etags(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let task = context.create_task(alice, "tagged").await?;
    let place = format!("{CONTEXTS}/{}", context.create_context(alice, "tagged").await?);
    for path in [&task, &place, ME] {
        let record = context.send(alice.get(path)).await?;
        let etag = record.is(200)?.need_header("etag")?;
        let strong = etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"');
        record.must(strong, format!("a strong ETag, not {etag}"))?;
        context.send(alice.get(path)).await?.has_header("etag", etag)?;
    }
    let before = context.send(alice.get(&task)).await?;
    let patched = context.send(alice.patch(&task, &json!({"title": "retagged"}))).await?;
    let after = context.send(alice.get(&task)).await?;
    after.must(after.header("etag") != before.header("etag"), "another ETag after a change")?;
    let said = patched.header("etag");
    patched.must(said.is_none() || said == after.header("etag"), "no ETag or that of the next GET").map(drop)
}

pub async fn not_modified(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let task = context.create_task(alice, "unchanged").await?;
    let record = context.send(alice.get(&task)).await?;
    let etag = record.need_header("etag")?;
    let get = |condition: String| alice.get(&task).header("if-none-match", condition);
    // If-None-Match compares weakly, so `W/` does not matter.
    for condition in [etag.to_owned(), "*".to_owned(), format!("\"other\", {etag}"), format!("W/{etag}")] {
        let answer = context.send(get(condition)).await?;
        answer.is(304)?.has_header("etag", etag)?.must(answer.body.is_empty(), "no body")?;
    }
    let head = alice.request(Method::HEAD, &task).header("if-none-match", etag);
    context.send(head).await?.is(304)?;
    context.send(get("\"other\", \"another\"".to_owned())).await?.is(200)?;
    context.send(alice.patch(&task, &json!({"priority": "low"}))).await?.is(200)?;
    context.send(get(etag.to_owned())).await?.is(200)?.equals("/priority", "low").map(drop)
}

/// A 304 tells what the 200 to the same request would have told (RFC 9110, section 15.4.5), or a
/// cache would give one caller's coding to another.
pub async fn not_modified_in_each_coding(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let body = json!({"title": "large", "description": "manatee ".repeat(1000)});
    let task = context.create(alice, TASKS, body).await?;
    let path = format!("{TASKS}/{}", text(&task, "/id")?);
    for method in [Method::GET, Method::HEAD] {
        let ask = |coding| alice.request(method.clone(), &path).header("accept-encoding", coding);
        let (plain, packed) = (context.send(ask("identity")).await?, context.send(ask("gzip")).await?);
        let tags = [plain.is(200)?.need_header("etag")?, packed.is(200)?.need_header("etag")?];
        expect(tags[0] != tags[1], &*packed.request, "a tag for each coding", tags[0])?;
        for (coding, whole) in [("identity", &plain), ("gzip", &packed)] {
            let named = |vary: Vec<String>| vary.contains(&"accept-encoding".to_owned());
            whole.must(named(whole.list("vary")), "Vary: Accept-Encoding")?;
            for tag in tags {
                let answer = context.send(ask(coding).header("if-none-match", tag)).await?;
                answer.is(304)?.has_header("etag", whole.need_header("etag")?)?;
                answer.must(named(answer.list("vary")), "Vary: Accept-Encoding, as on the 200")?;
            }
        }
    }
    Ok(())
}

pub async fn preconditions(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let task = context.create_task(alice, "guarded").await?;
    let record = context.send(alice.get(&task)).await?;
    let etag = record.need_header("etag")?;
    let patch = |condition: String, title: &str| {
        context.send(alice.patch(&task, &json!({"title": title})).header("if-match", condition))
    };
    patch("\"other\"".to_owned(), "lost").await?.problem(412)?;
    // If-Match compares strongly: a weak tag never matches.
    patch(format!("W/{etag}"), "lost").await?.problem(412)?;
    patch(format!("\"other\", {etag}"), "first").await?.is(200)?;
    patch(etag.to_owned(), "stale").await?.problem(412)?;
    patch("*".to_owned(), "second").await?.is(200)?;
    context.send(alice.get(&task)).await?.equals("/title", "second")?;
    let name = alice.patch(ME, &json!({"name": "lost"})).header("if-match", "\"other\"");
    context.send(name).await?.problem(412).map(drop)
}

pub async fn deletion(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let task = context.create_task(alice, "deleted with care").await?;
    let place = format!("{CONTEXTS}/{}", context.create_context(alice, "with care").await?);
    for path in [&task, &place] {
        let stale = alice.delete(path).header("if-match", "\"stale\"");
        context.send(stale).await?.problem(412)?;
        let record = context.send(alice.get(path)).await?;
        let etag = record.is(200)?.need_header("etag")?;
        context.send(alice.delete(path).header("if-match", etag)).await?.is(204)?;
        context.send(alice.get(path)).await?.problem(404)?;
    }
    Ok(())
}

/// Of eight writers who all read the same version, one wins and the others learn of it.
pub async fn concurrent_updates(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let task = context.create_task(alice, "contested").await?;
    let record = context.send(alice.get(&task)).await?;
    let (etag, version) = (record.need_header("etag")?, record.at("/version")?.as_u64());
    let write = |writer: usize| {
        let patch = alice.patch(&task, &json!({"title": format!("writer {writer}")}));
        context.send(patch.header("if-match", etag).unrecorded())
    };
    let mut winners = Vec::new();
    for answer in together((0..8).map(write)).await {
        let answer = answer?;
        if answer.is_one_of(&[200, 412])?.status == 200 {
            winners.push(answer.at("/title").cloned()?);
        }
    }
    let shown = format!("{winners:?}");
    expect(winners.len() == 1, format!("PATCH {task}, eight at once"), "one winner", shown)?;
    let after = context.send(alice.get(&task).unrecorded()).await?;
    after.equals("/title", winners[0].clone())?;
    after.equals("/version", version.unwrap_or_default() + 1)?;
    // Who wins is chance; the lists of later checks must not show it.
    let settled = alice.patch(&task, &json!({"title": "settled"})).unrecorded();
    context.send(settled).await?.is(200).map(drop)
}
