//! Values at the edges of what a field takes: odd text, the greatest length, times of all ages.

use serde_json::json;

use super::Resource;
use super::kind::{Keeps, Kind};
use super::values::TIMES;
use crate::context::Context;
use crate::outcome::{Verdict, not_applicable};

/// No U+0000 and no character that steers a terminal; tabs and line breaks are text. What has to
/// show something is not white space.
pub async fn texts(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    for field in resource.fields {
        if matches!(field.kind, Kind::Json) {
            let value = json!({"a": ["\u{0}"]});
            resource.post_with(cx, alice, field.name, value).await?.invalid_text()?;
        }
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
