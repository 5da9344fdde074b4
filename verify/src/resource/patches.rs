//! JSON Merge Patch (RFC 7396).

use http::Method;
use serde_json::{Value, json};

use super::Resource;
use crate::context::Context;
use crate::outcome::{Verdict, not_applicable};

pub async fn null_clears(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let body = resource.full(cx, alice, 0).await?;
    let mut cleared = body.clone();
    for field in resource.fields.iter().filter(|field| field.is_nullable()) {
        cleared[field.name] = Value::Null;
    }
    if cleared == body {
        return not_applicable("no field can be null");
    }
    let record = cx.create(alice, resource.path, body).await?;
    let nulls: serde_json::Map<_, _> = cleared
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| value.is_null())
        .map(|(name, _)| (name.clone(), Value::Null))
        .collect();
    let answer = cx.send(alice.patch(resource.at(&record)?, &nulls.into())).await?;
    answer.is(200)?;
    for (member, value) in cleared.as_object().into_iter().flatten() {
        answer.equals(&format!("/{member}"), value.clone())?;
    }
    Ok(())
}

pub async fn null_on_required(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let fields: Vec<&str> = resource
        .fields
        .iter()
        .filter(|field| !field.is_nullable())
        .map(|field| field.name)
        .collect();
    if fields.is_empty() {
        return not_applicable("every field can be null");
    }
    let made = resource.made(cx, alice).await?;
    let before = cx.send(alice.get(&made)).await?;
    let nulls: Value = fields.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    let pointers: Vec<String> = fields.iter().map(|name| format!("/{name}")).collect();
    let pointers: Vec<&str> = pointers.iter().map(String::as_str).collect();
    cx.send(alice.patch(&made, &nulls)).await?.invalid_at(&pointers)?;
    // A refused patch changes nothing, not even its valid half.
    let mut half = resource.change(cx, alice, 1).await?;
    half["not_a_member"] = json!(1);
    cx.send(alice.patch(&made, &half)).await?.invalid_at(&["/not_a_member"])?;
    let after = cx.send(alice.get(&made)).await?;
    after.must(after.json == before.json, "the record as it was").map(drop)
}

/// RFC 7396 would have such a patch replace the record; no record is a list or a number.
pub async fn not_an_object(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    for body in [json!([]), json!(null), json!("text"), json!(1), json!([{}])] {
        cx.send(alice.patch(&made, &body)).await?.problem(422)?;
    }
    Ok(())
}

pub async fn media_types(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    let patch =
        |media, body: String| cx.send(alice.request(Method::PATCH, &made).body(media, body));
    let name = resource.changed().name;
    for (n, media) in ["application/merge-patch+json", "application/json"].into_iter().enumerate() {
        let change = resource.change(cx, alice, n + 1).await?;
        patch(media, change.to_string())
            .await?
            .is(200)?
            .equals(&format!("/{name}"), change[name].clone())?;
    }
    let change = resource.change(cx, alice, 3).await?.to_string();
    patch("application/json-patch+json", "[]".to_owned()).await?.problem(415)?;
    patch("text/plain", change.clone()).await?.problem(415)?;
    patch("application/merge-patch+json", change[..change.len() - 1].to_owned())
        .await?
        .problem(400)
        .map(drop)
}

pub async fn empty_patch(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let record = resource.create(cx, alice, &json!({})).await?;
    let answer = cx.send(alice.patch(resource.at(&record)?, &json!({}))).await?;
    answer.is(200)?;
    for field in resource.fields {
        answer.equals(&format!("/{}", field.name), record[field.name].clone())?;
    }
    Ok(())
}
