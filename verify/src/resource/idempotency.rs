//! `Idempotency-Key`: a retry gives the first answer again and makes no second record.

use serde_json::{Value, json};

use super::Resource;
use crate::client::together;
use crate::context::{Account, Context};
use crate::outcome::{Verdict, expect};
use crate::request::Request;
use crate::response::Response;

/// A creation under a key of this run and this resource.
fn keyed(cx: &Context, resource: &Resource, user: &Account, key: &str, body: &Value) -> Request {
    let key = format!("{}-{key}-{}", resource.path, cx.tag);
    user.post(resource.path).json(body).header("idempotency-key", key)
}

fn is_fresh(answer: &Response) -> bool {
    answer.header("idempotency-replayed") != Some("true")
}

fn is_replay(answer: &Response, first: &Response) -> Verdict {
    answer.is(first.status.as_u16())?.has_header("idempotency-replayed", "true")?;
    answer.must(answer.body == first.body, "the first answer, byte for byte")?;
    for name in ["location", "etag"] {
        answer.must(
            answer.header(name) == first.header(name),
            format!("{name} of the first answer"),
        )?;
    }
    Ok(())
}

pub async fn replay(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let body = resource.full(cx, alice, 1).await?;
    let post = || cx.send(keyed(cx, resource, alice, "replay", &body));
    let first = post().await?;
    first.is(201)?.must(is_fresh(&first), "no replay yet")?;
    is_replay(&post().await?, &first)?;
    // The answer is remembered, whatever has become of the record.
    cx.send(alice.delete(resource.at(first.value()?)?)).await?.is(204)?;
    let before = resource.ids(cx, alice).await?;
    is_replay(&post().await?, &first)?;
    let made = resource.ids(cx, alice).await?.len().saturating_sub(before.len());
    expect(made == 0, format!("POST {}, again", resource.path), "no new record", made)
}

pub async fn other_body(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let one = resource.full(cx, alice, 0).await?;
    let two = resource.full(cx, alice, 1).await?;
    let post = |body| cx.send(keyed(cx, resource, alice, "body", body));
    let first = post(&one).await?;
    first.is(201)?;
    post(&two).await?.problem_with_code(422, "idempotency_key_reused")?;
    is_replay(&post(&one).await?, &first)
}

pub async fn concurrent_retries(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let body = resource.minimal(cx, alice, 0).await?;
    let before = resource.ids(cx, alice).await?.len();
    let retry = || cx.send(keyed(cx, resource, alice, "race", &body).unrecorded());
    let answers = together((0..8).map(|_| retry())).await;
    let answers = answers.into_iter().collect::<Verdict<Vec<Response>>>()?;
    let mut fresh = 0;
    for answer in &answers {
        answer.is(201)?.must(answer.body == answers[0].body, "the same answer to each retry")?;
        fresh += usize::from(is_fresh(answer));
    }
    let title = format!("POST {}, eight at once", resource.path);
    expect(fresh == 1, &title, "one answer that is no replay", fresh)?;
    let made = resource.ids(cx, alice).await?.len().saturating_sub(before);
    expect(made == 1, title, "one record", made)
}

pub async fn keys_per_user(cx: &Context, resource: &'static Resource) -> Verdict {
    let (alice, bob) = (cx.alice().await?, cx.bob().await?);
    let mut first = None;
    for user in [alice, bob] {
        let body = resource.minimal(cx, user, 0).await?;
        let made = cx.send(keyed(cx, resource, user, "shared", &body)).await?;
        made.is(201)?.must(is_fresh(&made), "no replay of another's")?;
        let id = made.text("/id")?.to_owned();
        made.must(first.as_ref() != Some(&id), "a record of his own")?;
        first = Some(id);
    }
    Ok(())
}

pub async fn failures_are_forgotten(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let mut body = resource.minimal(cx, alice, 0).await?;
    body["not_a_member"] = json!(1);
    cx.send(keyed(cx, resource, alice, "failed", &body)).await?.problem(422)?;
    if let Some(field) = resource.fields.iter().find(|field| field.unique.is_some()) {
        let taken = resource.create(cx, alice, &resource.full(cx, alice, 0).await?).await?;
        let mut body = resource.minimal(cx, alice, 0).await?;
        body[field.name] = taken[field.name].clone();
        cx.send(keyed(cx, resource, alice, "failed", &body)).await?.problem(409)?;
    }
    let body = resource.minimal(cx, alice, 0).await?;
    let created = cx.send(keyed(cx, resource, alice, "failed", &body)).await?;
    created.is(201)?.must(is_fresh(&created), "no replay").map(drop)
}
