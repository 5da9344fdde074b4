//! Conditional requests (RFC 9110, section 13).

use http::Method;

use super::Resource;
use crate::client::together;
use crate::context::Context;
use crate::outcome::{Verdict, expect};

pub async fn strong_etags(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    let before = cx.send(alice.get(&made)).await?;
    let etag = before.is(200)?.strong_etag()?;
    cx.send(alice.get(&made)).await?.has_header("etag", etag)?;
    let patched = cx.send(alice.patch(&made, &resource.change(cx, alice, 1).await?)).await?;
    let after = cx.send(alice.get(&made)).await?;
    after.must(after.strong_etag()? != etag, "another ETag after a change")?;
    let said = patched.is(200)?.header("etag");
    patched
        .must(said.is_none() || said == after.header("etag"), "no ETag or that of the next GET")
        .map(drop)
}

pub async fn not_modified(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    let record = cx.send(alice.get(&made)).await?;
    let etag = record.need_header("etag")?;
    let get = |condition: String| alice.get(&made).header("if-none-match", condition);
    // If-None-Match compares weakly, so `W/` does not matter.
    for condition in
        [etag.to_owned(), "*".to_owned(), format!("\"other\", {etag}"), format!("W/{etag}")]
    {
        let answer = cx.send(get(condition)).await?;
        answer.is(304)?.has_header("etag", etag)?.must(answer.body.is_empty(), "no body")?;
    }
    let head = alice.request(Method::HEAD, &made).header("if-none-match", etag);
    cx.send(head).await?.is(304)?;
    cx.send(get("\"other\", \"another\"".to_owned())).await?.is(200)?;
    let changed = cx.send(alice.patch(&made, &resource.change(cx, alice, 1).await?)).await?;
    let answer = cx.send(get(etag.to_owned())).await?;
    answer.is(200)?.must(answer.json == changed.is(200)?.json, "the record as it is now").map(drop)
}

pub async fn preconditions(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    let record = cx.send(alice.get(&made)).await?;
    let etag = record.need_header("etag")?;
    let patch = async |condition: String, n: usize| {
        let change = resource.change(cx, alice, n).await?;
        cx.send(alice.patch(&made, &change).header("if-match", condition)).await
    };
    patch("\"other\"".to_owned(), 1).await?.problem(412)?;
    // If-Match compares strongly: a weak tag never matches.
    patch(format!("W/{etag}"), 1).await?.problem(412)?;
    let unchanged = cx.send(alice.get(&made)).await?;
    unchanged.must(unchanged.json == record.json, "the record as it was")?;
    patch(format!("\"other\", {etag}"), 1).await?.is(200)?;
    patch(etag.to_owned(), 2).await?.problem(412)?;
    let last = patch("*".to_owned(), 3).await?;
    let read = cx.send(alice.get(&made)).await?;
    read.must(read.json == last.is(200)?.json, "the last change that was taken").map(drop)
}

pub async fn conditional_deletion(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    let delete = |condition: &str| cx.send(alice.delete(&made).header("if-match", condition));
    delete("\"stale\"").await?.problem(412)?;
    let record = cx.send(alice.get(&made)).await?;
    delete(record.is(200)?.need_header("etag")?).await?.is(204)?;
    cx.send(alice.get(&made)).await?.problem(404).map(drop)
}

/// Of eight writers who all read the same version, one wins and the others learn of it.
pub async fn concurrent_updates(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    let record = cx.send(alice.get(&made)).await?;
    let (etag, version) = (record.need_header("etag")?, record.at("/version")?.as_u64());
    let mut writes = Vec::new();
    for writer in 1..=8 {
        let patch = alice.patch(&made, &resource.change(cx, alice, writer).await?);
        writes.push(cx.send(patch.header("if-match", etag).unrecorded()));
    }
    let mut winners = Vec::new();
    for answer in together(writes).await {
        let answer = answer?;
        if answer.is_one_of(&[200, 412])?.status == 200 {
            winners.push(answer);
        }
    }
    expect(
        winners.len() == 1,
        format!("PATCH {made}, eight at once"),
        "one winner",
        winners.len(),
    )?;
    let after = cx.send(alice.get(&made).unrecorded()).await?;
    after.must(after.json == winners[0].json, "what the winner wrote")?;
    after.equals("/version", version.unwrap_or_default() + 1)?;
    // Who wins is chance; the lists of later checks must not show it.
    cx.send(alice.delete(&made).unrecorded()).await?.is(204).map(drop)
}
