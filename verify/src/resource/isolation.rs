//! Two users do not see each other's records: what is another's looks like what is absent.

use http::Method;
use serde_json::json;

use super::Resource;
use super::kind::Keeps;
use super::values::in_query;
use crate::context::{ABSENT, Context};
use crate::outcome::{Verdict, expect};

/// Everything that Bob may try on Alice's record is answered as for no record.
pub async fn records_of_another(cx: &Context, resource: &'static Resource) -> Verdict {
    let (alice, bob) = (cx.alice().await?, cx.bob().await?);
    let foreign = resource.made(cx, alice).await?;
    let absent = format!("{}/{ABSENT}", resource.path);
    let before = cx.send(alice.get(&foreign)).await?;
    for method in [Method::GET, Method::HEAD, Method::DELETE] {
        let seen = cx.send(bob.request(method.clone(), &foreign)).await?;
        seen.is(404)?.same_as(&cx.send(bob.request(method, &absent)).await?)?;
    }
    let patch = resource.change(cx, bob, 1).await?;
    for body in [&patch, &json!({"bogus": 1}), &json!({})] {
        let seen = cx.send(bob.patch(&foreign, body)).await?;
        seen.same_as(&cx.send(bob.patch(&absent, body)).await?)?;
    }
    cx.send(bob.patch(&foreign, &patch)).await?.problem(404)?;
    // Preconditions are not a way to ask either.
    let etag = before.is(200)?.need_header("etag")?;
    let ask = |path: &str| {
        [
            bob.get(path).header("if-none-match", etag),
            bob.delete(path).header("if-match", etag),
            bob.patch(path, &patch).header("if-match", etag),
        ]
    };
    for (foreign, absent) in ask(&foreign).into_iter().zip(ask(&absent)) {
        cx.send(foreign).await?.same_as(&cx.send(absent).await?)?;
    }
    let after = cx.send(alice.get(&foreign)).await?;
    after.must(after.json == before.json, "the record as it was").map(drop)
}

/// No list of his has a record of hers, whatever he filters by.
pub async fn lists_of_another(cx: &Context, resource: &'static Resource) -> Verdict {
    let (alice, bob) = (cx.alice().await?, cx.bob().await?);
    let record = resource.create(cx, alice, &resource.full(cx, alice, 0).await?).await?;
    resource.made(cx, bob).await?;
    let (hers, his) = (resource.ids(cx, alice).await?, resource.ids(cx, bob).await?);
    let shared: Vec<&String> = his.iter().filter(|id| hers.contains(id)).collect();
    expect(
        shared.is_empty(),
        format!("GET {}", resource.path),
        "no record of hers",
        format!("{shared:?}"),
    )?;
    for filter in
        resource.filters.iter().filter(|filter| matches!(filter.keeps, Keeps::Equal | Keeps::Found))
    {
        let Some(field) = filter.field(resource.fields) else { continue };
        let list =
            resource.list(&format!("{}={}&limit=100", filter.name, in_query(&record[field.name])));
        let found = cx.send(alice.get(&list)).await?;
        let is_hers = |id: &String| hers.contains(id);
        found.must(found.column("/id")?.iter().any(is_hers), "the record for its owner")?;
        let found = cx.send(bob.get(&list)).await?;
        found.must(!found.column("/id")?.iter().any(is_hers), "no record of hers")?;
    }
    Ok(())
}
