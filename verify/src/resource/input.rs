//! Input that is malformed (400), of the wrong kind (415), or well-formed but invalid (422).

use serde_json::{Map, Value, json};

use super::Resource;
use crate::context::Context;
use crate::outcome::Verdict;
use crate::request::Request;

const UNKNOWN: &str = "not_a_member";
const MEBIBYTE: usize = 1024 * 1024;

pub async fn faults_all_at_once(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    let before = cx.send(alice.get(&made)).await?;
    let mut body = json!({UNKNOWN: "red"});
    for (field, value) in
        resource.fields.iter().filter_map(|field| Some((field, field.wrong().next()?)))
    {
        body[field.name] = value;
    }
    let pointers: Vec<String> =
        body.as_object().into_iter().flatten().map(|(name, _)| format!("/{name}")).collect();
    let pointers: Vec<&str> = pointers.iter().map(String::as_str).collect();
    for request in [alice.post(resource.path).json(&body), alice.patch(&made, &body)] {
        let answer = cx.send(request).await?;
        answer.invalid_at(&pointers)?;
        let errors = answer.at("/errors")?.as_array().map_or(&[][..], Vec::as_slice);
        let whole =
            errors.iter().all(|error| error["code"].is_string() && error["detail"].is_string());
        answer.must(whole, "a code and a detail with each fault")?;
    }
    let after = cx.send(alice.get(&made)).await?;
    after.must(after.json == before.json, "the record as it was")?;

    let required = resource.fields.iter().filter(|field| field.required);
    let missing: Vec<String> = required.map(|field| format!("/{}", field.name)).collect();
    if !missing.is_empty() {
        let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
        cx.send(alice.post(resource.path).json(&json!({}))).await?.invalid_at(&missing)?;
    }
    Ok(())
}

/// Each value that a field refuses, at creation and in a patch.
pub async fn each_fault(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    // The first of every field in one request, the second of every field in the next, and so on.
    let wrong: Vec<(&str, Vec<Value>)> =
        resource.fields.iter().map(|field| (field.name, field.wrong().collect())).collect();
    for n in 0..wrong.iter().map(|(_, values)| values.len()).max().unwrap_or_default() {
        let given: Map<String, Value> = wrong
            .iter()
            .filter_map(|(name, values)| Some(((*name).to_owned(), values.get(n)?.clone())))
            .collect();
        let mut body = resource.minimal(cx, alice, 0).await?;
        for (name, value) in &given {
            body[name] = value.clone();
        }
        let patch = Value::from(given.clone());
        for request in [alice.post(resource.path).json(&body), alice.patch(&made, &patch)] {
            let answer = cx.send(request).await?;
            for (name, value) in &given {
                let shown: String = value.to_string().chars().take(60).collect();
                let expected = format!("an error at /{name}, which is {shown}");
                answer.must(answer.status == 422 && answer.names(&format!("/{name}")), expected)?;
            }
        }
    }
    for body in [json!([]), json!("text"), json!(null), json!(5)] {
        cx.send(alice.post(resource.path).json(&body)).await?.problem(422)?;
    }
    Ok(())
}

/// Members that a record has but a caller may not set are unknown too.
pub async fn unknown_members(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    let kept = ["id", "version", "created_at", "updated_at", "user_id", UNKNOWN];
    for member in kept.iter().chain(resource.computed) {
        let pointer = format!("/{member}");
        resource.post_with(cx, alice, member, json!(1)).await?.invalid_at(&[&pointer])?;
        cx.send(alice.patch(&made, &json!({*member: 1}))).await?.invalid_at(&[&pointer])?;
    }
    Ok(())
}

pub async fn unknown_queries(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    cx.send(alice.get(resource.list("bogus=1"))).await?.problem(422)?;
    for request in [alice.get(format!("{made}?bogus=1")), alice.delete(format!("{made}?bogus=1"))] {
        cx.send(request).await?.problem(422)?;
    }
    // A parameter given twice is either malformed or invalid, never silently one of the two.
    for query in ["limit=1&limit=2", "sort=%ff"] {
        cx.send(alice.get(resource.list(query))).await?.is_one_of(&[400, 422])?;
    }
    Ok(())
}

/// A body is JSON and says so; what each kind of body meets is the core's business.
pub async fn bodies(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let name = resource.changed().name;
    for body in ["", "{", &format!("{{\"{name}\": 1, \"{name}\": 2}}"), "{\"a\": \"\\ud800\"}"] {
        let answer =
            cx.send(alice.post(resource.path).body("application/json", body.to_owned())).await?;
        answer
            .must(answer.status == 400, format!("status 400 for the body `{body}`"))?
            .problem(400)?;
    }
    let body = resource.minimal(cx, alice, 0).await?.to_string();
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/merge-patch+json"]
    {
        cx.send(alice.post(resource.path).body(media, body.clone())).await?.problem(415)?;
    }
    cx.send(alice.post(resource.path).untyped_body(body.clone())).await?.problem(415)?;
    cx.send(alice.post(resource.path).body("Application/JSON; charset=utf-8", body.clone()))
        .await?
        .is(201)?;
    // Without credentials it is the missing credentials that count, not the body.
    cx.send(Request::post(resource.path).body("text/plain", body)).await?.unauthorized()?;
    cx.send(Request::get(resource.path)).await?.unauthorized().map(drop)
}

/// A body that is padded to a little over the default limit, so that a server with a larger one
/// just takes it.
pub async fn too_large(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let body = resource.minimal(cx, alice, 0).await?.to_string();
    let padded = format!("{body}{}", " ".repeat(MEBIBYTE + 1024));
    cx.too_large(&alice.post(resource.path).body("application/json", padded)).await
}
