//! `Idempotency-Key`: a retry gives the first answer again and makes no second record.

use serde_json::{Value, json};

use crate::client::together;
use crate::context::{Account, CONTEXTS, Context, TASKS};
use crate::outcome::{Verdict, expect};
use crate::response::Response;

async fn post(context: &Context, user: &Account, path: &str, key: &str, body: &Value) -> Verdict<Response> {
    let key = format!("{key}-{}", context.tag);
    context.send(user.post(path).json(body).header("idempotency-key", key)).await
}

/// How many of the user's tasks have this title.
async fn count(context: &Context, user: &Account, title: &str) -> Verdict<usize> {
    let list = context.send(user.get(format!("{TASKS}?q={title}&limit=100"))).await?;
    Ok(list.column("/id")?.len())
}

fn is_replay(answer: &Response, first: &Response) -> Verdict {
    answer.is(first.status.as_u16())?.has_header("idempotency-replayed", "true")?;
    answer.must(answer.body == first.body, "the first answer, byte for byte").map(drop)
}

pub async fn replay(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let bodies = [
        (TASKS, json!({"title": "once-only", "priority": "high"})),
        (CONTEXTS, json!({"name": format!("once {}", context.tag)})),
    ];
    for (path, body) in bodies {
        let key = if path == TASKS { "replay-task" } else { "replay-context" };
        let first = post(context, alice, path, key, &body).await?;
        first.is(201)?.must(first.header("idempotency-replayed") != Some("true"), "no replay yet")?;
        is_replay(&post(context, alice, path, key, &body).await?, &first)?;
        // The answer is remembered, whatever has become of the record.
        let record = format!("{path}/{}", first.text("/id")?);
        context.send(alice.delete(record)).await?.is(204)?;
        is_replay(&post(context, alice, path, key, &body).await?, &first)?;
    }
    let count = count(context, alice, "once-only").await?;
    expect(count == 0, format!("GET {TASKS}?q=once-only"), "no record", count)
}

pub async fn other_body(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let first = post(context, alice, TASKS, "body", &json!({"title": "one"})).await?;
    first.is(201)?;
    let other = post(context, alice, TASKS, "body", &json!({"title": "two"})).await?;
    other.problem_with_code(422, "idempotency_key_reused")?;
    is_replay(&post(context, alice, TASKS, "body", &json!({"title": "one"})).await?, &first)
}

pub async fn concurrent(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let key = format!("race-{}", context.tag);
    let body = json!({"title": "raced-for"});
    let retry = || alice.post(TASKS).json(&body).header("idempotency-key", &key).unrecorded();
    let answers = together((0..8).map(|_| context.send(retry()))).await;
    let answers = answers.into_iter().collect::<Verdict<Vec<Response>>>()?;
    let mut fresh = 0;
    for answer in &answers {
        answer.is(201)?.must(answer.body == answers[0].body, "the same answer to each retry")?;
        fresh += usize::from(answer.header("idempotency-replayed") != Some("true"));
    }
    expect(fresh == 1, format!("POST {TASKS}, eight at once"), "one answer that is no replay", fresh)?;
    let count = count(context, alice, "raced-for").await?;
    expect(count == 1, format!("POST {TASKS}, eight at once"), "one record", count)
}

pub async fn per_user(context: &Context) -> Verdict {
    let (alice, bob) = (context.alice().await?, context.bob().await?);
    let hers = post(context, alice, TASKS, "shared", &json!({"title": "same"})).await?;
    let his = post(context, bob, TASKS, "shared", &json!({"title": "same"})).await?;
    hers.is(201)?;
    his.is(201)?.must(his.header("idempotency-replayed") != Some("true"), "no replay of hers")?;
    his.must(his.text("/id")? != hers.text("/id")?, "a record of his own").map(drop)
}

pub async fn failures_are_forgotten(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    post(context, alice, TASKS, "failed", &json!({"title": ""})).await?.problem(422)?;
    let created = post(context, alice, TASKS, "failed", &json!({"title": "mended"})).await?;
    created.is(201)?.must(created.header("idempotency-replayed") != Some("true"), "no replay").map(drop)
}
