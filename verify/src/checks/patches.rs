//! JSON Merge Patch (RFC 7396), for the one record that every product has.

use http::Method;
use serde_json::{Value, json};

use crate::context::{Context, ME};
use crate::outcome::Verdict;

pub async fn null_clears(context: &Context) -> Verdict {
    let bob = context.bob().await?;
    context.send(bob.patch(ME, &json!({"name": "Bob"}))).await?.is(200)?.equals("/name", "Bob")?;
    let cleared = context.send(bob.patch(ME, &json!({"name": null}))).await?;
    cleared.is(200)?.equals("/name", Value::Null)?;
    context.send(bob.get(ME)).await?.equals("/name", Value::Null).map(drop)
}

/// RFC 7396 would have such a patch replace the record; no record is a list or a number.
pub async fn not_an_object(context: &Context) -> Verdict {
    let bob = context.bob().await?;
    for body in [json!([]), json!(null), json!("text"), json!(1), json!([{"name": "x"}])] {
        context.send(bob.patch(ME, &body)).await?.problem(422)?;
    }
    Ok(())
}

pub async fn media_types(context: &Context) -> Verdict {
    let bob = context.bob().await?;
    let patch = |media, body| context.send(bob.request(Method::PATCH, ME).body(media, body));
    patch("application/merge-patch+json", r#"{"name": "a"}"#).await?.is(200)?;
    patch("application/json", r#"{"name": "b"}"#).await?.is(200)?.equals("/name", "b")?;
    patch("application/json-patch+json", "[]").await?.problem(415)?;
    patch("text/plain", r#"{"name": "c"}"#).await?.problem(415)?;
    patch("application/merge-patch+json", r#"{"name": "#).await?.problem(400).map(drop)
}

/// A refused patch changes nothing, not even its valid half, and an empty one neither.
pub async fn empty_patch(context: &Context) -> Verdict {
    let bob = context.bob().await?;
    let before = context.send(bob.get(ME)).await?;
    context
        .send(bob.patch(ME, &json!({"name": "half", "role": 1})))
        .await?
        .invalid_at(&["/role"])?;
    let answer = context.send(bob.patch(ME, &json!({}))).await?;
    answer.is(200)?.equals("/name", before.at("/name")?.clone()).map(drop)
}
