//! What a record must not share with others, and what it may refer to.

use serde_json::{Value, json};

use super::Resource;
use super::kind::{Keeps, Kind};
use crate::context::{ABSENT, Context};
use crate::outcome::{Verdict, not_applicable};

/// What has to be unique is so for each user, and a record does not stand in its own way.
pub async fn taken(cx: &Context, resource: &'static Resource) -> Verdict {
    let (alice, bob) = (cx.alice().await?, cx.bob().await?);
    let fields: Vec<_> =
        resource.fields.iter().filter_map(|field| Some((field.name, field.unique?))).collect();
    if fields.is_empty() {
        return not_applicable("no two records have to differ");
    }
    for (name, code) in fields {
        let first = resource.create(cx, alice, &resource.full(cx, alice, 0).await?).await?;
        let value = first[name].clone();
        resource.post_with(cx, alice, name, value.clone()).await?.problem_with_code(409, code)?;
        let other = resource.made(cx, alice).await?;
        let patch = json!({name: value});
        cx.send(alice.patch(&other, &patch)).await?.problem_with_code(409, code)?;
        let own = resource.at(&first)?;
        cx.send(alice.patch(&own, &patch)).await?.is(200)?;
        resource.post_with(cx, bob, name, value.clone()).await?.is(201)?;
        // With the record its name is free again.
        cx.send(alice.delete(&own)).await?.is(204)?;
        cx.send(alice.patch(&other, &patch)).await?.is(200)?;
    }
    Ok(())
}

/// A reference leads to a record of one's own: another's is as unknown as none.
pub async fn references(cx: &Context, resource: &'static Resource) -> Verdict {
    let (alice, bob) = (cx.alice().await?, cx.bob().await?);
    let mut applied = false;
    for field in resource.fields {
        let Kind::Reference(to) = field.kind else { continue };
        applied = true;
        let (name, pointer) = (field.name, format!("/{}", field.name));
        let hers = to.create(cx, alice, &json!({})).await?["id"].clone();
        let seen = resource.post_with(cx, bob, name, hers.clone()).await?;
        seen.invalid_at(&[&pointer])?;
        seen.same_as(&resource.post_with(cx, bob, name, json!(ABSENT)).await?)?;

        let his = resource.made(cx, bob).await?;
        let before = cx.send(bob.get(&his)).await?;
        let moved = cx.send(bob.patch(&his, &json!({name: hers}))).await?;
        moved.invalid_at(&[&pointer])?;
        moved.same_as(&cx.send(bob.patch(&his, &json!({name: ABSENT}))).await?)?;
        let after = cx.send(bob.get(&his)).await?;
        after.must(after.json == before.json, "the record as it was")?;

        if resource
            .filters
            .iter()
            .any(|filter| filter.name == name && matches!(filter.keeps, Keeps::Equal))
        {
            let list =
                |id: &Value| resource.list(&format!("{name}={}", id.as_str().unwrap_or_default()));
            let filtered = cx.send(bob.get(list(&hers))).await?;
            filtered.is(200)?.same_as(&cx.send(bob.get(list(&json!(ABSENT)))).await?)?;
        }
    }
    if applied { Ok(()) } else { not_applicable("a record refers to no other") }
}
