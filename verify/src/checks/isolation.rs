//! Two users do not see each other's records: what is another's looks like what is absent.

use http::Method;
use serde_json::json;

use crate::context::{ABSENT, CONTEXTS, Context, SESSIONS, TASKS};
use crate::outcome::{Verdict, expect};

/// Everything that Bob may try on Alice's record is answered as for no record.
async fn guarded(context: &Context, path: &str, id: &str, patch: serde_json::Value) -> Verdict {
    let (alice, bob) = (context.alice().await?, context.bob().await?);
    let (foreign, absent) = (format!("{path}/{id}"), format!("{path}/{ABSENT}"));
    let before = context.send(alice.get(&foreign)).await?;
    for method in [Method::GET, Method::HEAD, Method::DELETE] {
        let seen = context.send(bob.request(method.clone(), &foreign)).await?;
        seen.is(404)?.same_as(&context.send(bob.request(method, &absent)).await?)?;
    }
    for body in [&patch, &json!({"bogus": 1}), &json!({})] {
        let seen = context.send(bob.patch(&foreign, body)).await?;
        seen.same_as(&context.send(bob.patch(&absent, body)).await?)?;
    }
    context.send(bob.patch(&foreign, &patch)).await?.problem(404)?;
    // Preconditions are not a way to ask either.
    let etag = before.is(200)?.need_header("etag")?;
    for (method, name) in [(Method::GET, "if-none-match"), (Method::DELETE, "if-match")] {
        let seen = context.send(bob.request(method.clone(), &foreign).header(name, etag)).await?;
        seen.same_as(&context.send(bob.request(method, &absent).header(name, etag)).await?)?;
    }
    let after = context.send(alice.get(&foreign)).await?;
    expect(after.json == before.json, format!("GET {foreign}"), "the record as it was", after.shown())
}

pub async fn tasks(context: &Context) -> Verdict {
    let path = context.create_task(context.alice().await?, "hers").await?;
    let id = path.rsplit('/').next().unwrap_or_default();
    guarded(context, TASKS, id, json!({"title": "his"})).await
}

pub async fn contexts(context: &Context) -> Verdict {
    let id = context.create_context(context.alice().await?, "hers").await?;
    guarded(context, CONTEXTS, &id, json!({"name": "his"})).await?;
    // Names are unique per user, so hers is free for him.
    context.create_context(context.bob().await?, "hers").await.map(drop)
}

pub async fn context_of_another(context: &Context) -> Verdict {
    let bob = context.bob().await?;
    let hers = context.create_context(context.alice().await?, "not for him").await?;
    let body = |id: &str| json!({"title": "trespass", "context_id": id});
    let seen = context.send(bob.post(TASKS).json(&body(&hers))).await?;
    seen.invalid_at(&["/context_id"])?;
    seen.same_as(&context.send(bob.post(TASKS).json(&body(ABSENT))).await?)?;

    let task = context.create_task(bob, "his own").await?;
    let moved = context.send(bob.patch(&task, &json!({"context_id": hers}))).await?;
    moved.invalid_at(&["/context_id"])?;
    context.send(bob.get(&task)).await?.equals("/context_id", json!(null))?;

    let filtered = context.send(bob.get(format!("{TASKS}?context_id={hers}"))).await?;
    filtered.same_as(&context.send(bob.get(format!("{TASKS}?context_id={ABSENT}"))).await?).map(drop)
}

pub async fn lists(context: &Context) -> Verdict {
    let (alice, bob) = (context.alice().await?, context.bob().await?);
    let task = context.create_task(alice, "in her list only").await?;
    for path in [TASKS, CONTEXTS] {
        let list = format!("{path}?limit=100");
        let hers = context.send(alice.get(&list)).await?.column("/id")?;
        let his = context.send(bob.get(&list)).await?.column("/id")?;
        let shared: Vec<&String> = his.iter().filter(|id| hers.contains(id)).collect();
        expect(shared.is_empty(), format!("GET {list}"), "no record of hers", format!("{shared:?}"))?;
    }
    let found = context.send(bob.get(format!("{TASKS}?q=in%20her%20list"))).await?.column("/id")?;
    expect(found.is_empty(), format!("GET {task}"), "nothing found", format!("{found:?}"))
}

pub async fn sessions(context: &Context) -> Verdict {
    let (alice, bob) = (context.alice().await?, context.bob().await?);
    let hers = context.send(alice.get(SESSIONS)).await?.column("/id")?;
    let absent = context.send(bob.delete(format!("{SESSIONS}/{ABSENT}"))).await?;
    for id in hers.iter().take(3) {
        let seen = context.send(bob.delete(format!("{SESSIONS}/{id}"))).await?;
        seen.problem(404)?.same_as(&absent)?;
    }
    alice.session.expect_alive(context).await
}
