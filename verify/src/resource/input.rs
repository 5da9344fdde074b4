//! Input that is malformed (400), of the wrong kind (415), or well-formed but invalid (422).

use serde_json::{Value, json};

use super::Resource;
use super::kind::{Keeps, Kind};
use super::values::TIMES;
use crate::context::{ABSENT, Context};
use crate::outcome::{Verdict, not_applicable};
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
    for field in resource.fields {
        for value in field.wrong() {
            let pointer = format!("/{}", field.name);
            let shown: String = value.to_string().chars().take(60).collect();
            let created = resource.post_with(cx, alice, field.name, value.clone()).await?;
            created.must(created.status == 422, format!("status 422 for {shown} at {pointer}"))?;
            created.invalid_at(&[&pointer])?;
            let patched = cx.send(alice.patch(&made, &json!({field.name: value}))).await?;
            patched.must(patched.status == 422, format!("status 422 for {shown} at {pointer}"))?;
            patched.invalid_at(&[&pointer])?;
        }
    }
    for body in [json!([]), json!("text"), json!(null), json!(5)] {
        cx.send(alice.post(resource.path).json(&body)).await?.problem(422)?;
    }
    Ok(())
}

/// No U+0000 and no character that steers a terminal; tabs and line breaks are text. What has to
/// show something is not white space.
pub async fn texts(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    for field in resource.fields {
        let Kind::Text { min, max } = field.kind else { continue };
        let blank: &[&str] =
            if field.visible { &[" ", "\t\n", "\u{a0}\u{3000}", "\u{200b}"] } else { &[] };
        let steering = ["a\u{0}b", "a\u{1b}[2J", "a\u{7f}", "a\u{9b}1m"];
        for text in blank.iter().chain(&steering) {
            let text: String = text
                .chars()
                .take(max)
                .chain(std::iter::repeat_n(' ', min))
                .take(max.max(min))
                .collect();
            if max >= 6 {
                resource.post_with(cx, alice, field.name, json!(text)).await?.invalid_text()?;
                cx.send(alice.patch(&made, &json!({field.name: text}))).await?.invalid_text()?;
            }
        }
        let lines = format!("a\tb\r\nc {}", cx.tag);
        if (min..=max).contains(&lines.len()) {
            let said = resource.post_with(cx, alice, field.name, json!(lines)).await?;
            said.is(201)?.equals(&format!("/{}", field.name), lines)?;
        }
    }
    for filter in resource.filters.iter().filter(|filter| matches!(filter.keeps, Keeps::Found)) {
        cx.send(alice.get(resource.list(&format!("{}=a%00b", filter.name))))
            .await?
            .invalid_text()?;
    }
    Ok(())
}

/// Text of the greatest length is taken, in characters and not in bytes. (What is longer is a fault.)
pub async fn lengths(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    for field in resource.fields {
        let Kind::Text { min, max } = field.kind else { continue };
        for length in [max, min.max(1)] {
            let text = "😀".repeat(length);
            let created = resource.post_with(cx, alice, field.name, json!(text)).await?;
            let kept = created.is(201)?.at(&format!("/{}", field.name))? == &text;
            created.must(kept, format!("the {length} characters at /{}", field.name))?;
            if field.unique.is_some() {
                // The user has none of that name afterwards, for whatever comes next.
                cx.send(alice.delete(resource.at(created.value()?)?)).await?.is(204)?;
            }
        }
    }
    Ok(())
}

/// A moment comes back as it was sent, from 0001 to 9999; with an offset it is the same instant in UTC.
pub async fn times(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let mut fields =
        resource.fields.iter().filter(|field| matches!(field.kind, Kind::Time)).peekable();
    if fields.peek().is_none() {
        return not_applicable("a record has no time of its own");
    }
    for field in fields {
        let pointer = format!("/{}", field.name);
        let mut made = Vec::new();
        for time in TIMES {
            let created = resource.post_with(cx, alice, field.name, json!(time)).await?;
            created.is(201)?.equals(&pointer, *time)?;
            let path = resource.at(created.value()?)?;
            cx.send(alice.get(&path)).await?.is(200)?.equals(&pointer, *time)?;
            made.push(created.text("/id")?.to_owned());
        }
        if resource.sorts.contains(&field.name) {
            let mut sorted = Vec::new();
            let mut cursor = String::new();
            while sorted.len() < made.len() {
                let list = resource.list(&format!("sort={}&limit=100{cursor}", field.name));
                let page = cx.send(alice.get(list).unrecorded()).await?;
                sorted.extend(page.column("/id")?.into_iter().filter(|id| made.contains(id)));
                let Some(next) = page.at("/next_cursor")?.as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            let (title, expected) =
                (format!("GET {}?sort={}", resource.path, field.name), TIMES.join(" "));
            crate::outcome::expect(sorted == made, title, expected, "another order")?;
        }
        for (sent, kept) in [
            ("2031-01-01T01:30:00+02:00", "2030-12-31T23:30:00.000Z"),
            ("2031-01-01T01:30:00Z", "2031-01-01T01:30:00.000Z"),
        ] {
            let created = resource.post_with(cx, alice, field.name, json!(sent)).await?;
            created.is(201)?.equals(&pointer, kept)?;
        }
    }
    Ok(())
}

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
