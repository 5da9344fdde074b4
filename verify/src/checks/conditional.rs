//! Conditional requests (RFC 9110, section 13), for the one record that every product has.

use http::Method;
use serde_json::json;

use crate::context::{Context, ME};
use crate::outcome::Verdict;

pub async fn strong_etags(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let before = context.send(alice.get(ME)).await?;
    let etag = before.is(200)?.strong_etag()?;
    context.send(alice.get(ME)).await?.has_header("etag", etag)?;
    let patched = context.send(alice.patch(ME, &json!({"name": "Alice II"}))).await?;
    let after = context.send(alice.get(ME)).await?;
    after.must(after.strong_etag()? != etag, "another ETag after a change")?;
    let said = patched.is(200)?.header("etag");
    patched
        .must(said.is_none() || said == after.header("etag"), "no ETag or that of the next GET")
        .map(drop)
}

pub async fn not_modified(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let record = context.send(alice.get(ME)).await?;
    let etag = record.need_header("etag")?;
    // If-None-Match compares weakly, so `W/` does not matter.
    for condition in
        [etag.to_owned(), "*".to_owned(), format!("\"other\", {etag}"), format!("W/{etag}")]
    {
        for method in [Method::GET, Method::HEAD] {
            let answer =
                context.send(alice.request(method, ME).header("if-none-match", &condition)).await?;
            answer.is(304)?.has_header("etag", etag)?.must(answer.body.is_empty(), "no body")?;
        }
    }
    let other = alice.get(ME).header("if-none-match", "\"other\", \"another\"");
    context.send(other).await?.is(200).map(drop)
}

pub async fn preconditions(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let record = context.send(alice.get(ME)).await?;
    let etag = record.need_header("etag")?;
    let patch = |condition: &str, name: &str| {
        context.send(alice.patch(ME, &json!({"name": name})).header("if-match", condition))
    };
    patch("\"other\"", "lost").await?.problem(412)?;
    // If-Match compares strongly: a weak tag never matches.
    patch(&format!("W/{etag}"), "lost").await?.problem(412)?;
    patch(&format!("\"other\", {etag}"), "first").await?.is(200)?;
    patch(etag, "stale").await?.problem(412)?;
    patch("*", "Alice").await?.is(200)?;
    context.send(alice.get(ME)).await?.equals("/name", "Alice").map(drop)
}
