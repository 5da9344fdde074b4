//! Input that is malformed (400), of the wrong kind (415), or well-formed but invalid (422).

use serde_json::{Value, json};

use crate::context::{Context, CONTEXTS, ME, TASKS};
use crate::outcome::Verdict;
use crate::request::Request;

pub async fn faults_all_at_once(context: &Context) -> Verdict {
    let body = json!({
        "title": "", "description": 5, "status": "someday", "priority": null,
        "due_at": "yesterday", "context_id": "no id", "colour": "red",
    });
    let answer = context.send(context.alice().await?.post(TASKS).json(&body)).await?;
    answer.invalid_at(&["/title", "/description", "/status", "/due_at", "/context_id", "/colour"])?;
    let errors = answer.at("/errors")?.as_array().map_or(&[][..], Vec::as_slice);
    let whole = errors.iter().all(|error| error["code"].is_string() && error["detail"].is_string());
    answer.must(whole, "a code and a detail with each fault")?;
    let missing = context.send(context.alice().await?.post(TASKS).json(&json!({}))).await?;
    missing.invalid_at(&["/title"]).map(drop)
}

pub async fn malformed_json(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let deep = "[".repeat(100_000);
    let bodies: &[&[u8]] = &[
        b"",
        b"{",
        b"{\"title\": \"x\"} trailing",
        b"{\"title\": \"x\", \"title\": \"y\"}",
        b"{\"title\": \"x\", \"t\\u0069tle\": \"y\"}",
        b"{\"title\": \"\\ud800\"}",
        b"{\"title\": \"\\udc00\\ud800\"}",
        b"{\"title\": \"\xff\"}",
        b"{\"title\": \"\xed\xa0\x80\"}",
        b"{\"title\": \"line\nbreak\"}",
        b"{'title': 'x'}",
        b"{\"title\": NaN}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let request = alice.post(TASKS).body("application/json", body.to_vec());
        let shown: String = String::from_utf8_lossy(body).chars().take(40).collect();
        let answer = context.send(request).await?;
        answer.must(answer.status == 400, format!("status 400 for the body `{shown}`"))?.problem(400)?;
    }
    Ok(())
}

pub async fn wrong_types(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    for body in [json!([]), json!("text"), json!(null), json!(5)] {
        context.send(alice.post(TASKS).json(&body)).await?.problem(422)?;
    }
    let nested = json!({"title": {"a": 1}, "status": ["todo"], "due_at": 0});
    let answer = context.send(alice.post(TASKS).json(&nested)).await?;
    answer.invalid_at(&["/title", "/status", "/due_at"]).map(drop)
}

pub async fn nul_in_text(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let task = json!({"title": "a\u{0}b", "description": "\u{0}"});
    context.send(alice.post(TASKS).json(&task)).await?.invalid_text()?;
    context.send(alice.post(CONTEXTS).json(&json!({"name": "a\u{0}"}))).await?.invalid_text()?;
    context.send(alice.get(format!("{TASKS}?q=a%00b"))).await?.invalid_text().map(drop)
}

pub async fn steering_text(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    for text in ["a\u{1b}[2J", "a\u{7f}", "a\u{9b}1m"] {
        for body in [json!({"title": text}), json!({"title": "a", "description": text})] {
            context.send(alice.post(TASKS).json(&body)).await?.invalid_text()?;
        }
    }
    context.send(alice.patch(ME, &json!({"name": "a\u{7}"}))).await?.invalid_text()?;
    let body = json!({"title": format!("a\tb\r\nc {}", context.tag)});
    context.send(alice.post(TASKS).json(&body)).await?.is(201).map(drop)
}

/// A name or a title shows something.
pub async fn blank_names(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    for text in [" ", "\t\n", "\u{a0}\u{3000}", "\u{200b}"] {
        context.send(alice.post(TASKS).json(&json!({"title": text}))).await?.invalid_text()?;
        context.send(alice.post(CONTEXTS).json(&json!({"name": text}))).await?.invalid_text()?;
        context.send(alice.patch(ME, &json!({"name": text}))).await?.invalid_text()?;
    }
    Ok(())
}

pub async fn unknown_members(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    // Members that a record has but a caller may not set are unknown too.
    for (path, member) in [(TASKS, "id"), (TASKS, "version"), (TASKS, "user_id"), (CONTEXTS, "task_count")] {
        let mut body = json!({"title": "x", "name": "x"});
        body.as_object_mut().map(|body| body.remove(if path == TASKS { "name" } else { "title" }));
        body[member] = Value::from(1);
        let answer = context.send(alice.post(path).json(&body)).await?;
        answer.invalid_at(&[&format!("/{member}")])?;
    }
    Ok(())
}

pub async fn unknown_query(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    for path in [TASKS, CONTEXTS, "/api/v1/users/me"] {
        context.send(alice.get(format!("{path}?bogus=1"))).await?.problem(422)?;
    }
    // A parameter given twice is either malformed or invalid, never silently one of the two.
    let twice = context.send(alice.get(format!("{TASKS}?limit=1&limit=2"))).await?;
    twice.is_one_of(&[400, 422])?;
    let broken = context.send(alice.get(format!("{TASKS}?q=%ff"))).await?;
    broken.is_one_of(&[400, 422]).map(drop)
}

pub async fn content_types(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let body = r#"{"title": "typed"}"#;
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        context.send(alice.post(TASKS).body(media, body)).await?.problem(415)?;
    }
    context.send(alice.post(TASKS).untyped_body(body)).await?.problem(415)?;
    context.send(alice.post(TASKS).body("application/json; charset=utf-8", body)).await?.is(201)?;
    context.send(alice.post(TASKS).body("Application/JSON", body)).await?.is(201)?;
    // Without credentials it is the missing credentials that count, not the body.
    context.send(Request::post(TASKS).body("text/plain", body)).await?.unauthorized().map(drop)
}

/// One 😀 is one character, though four bytes and two units of UTF-16.
pub async fn lengths_count_characters(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let title = |length| json!({"title": "😀".repeat(length)});
    context.send(alice.post(TASKS).json(&title(200))).await?.is(201)?.equals("/title", "😀".repeat(200))?;
    context.send(alice.post(TASKS).json(&title(201))).await?.invalid_at(&["/title"])?;
    let text = |length| json!({"title": "long", "description": "é".repeat(length)});
    context.send(alice.post(TASKS).json(&text(10_000))).await?.is(201)?;
    context.send(alice.post(TASKS).json(&text(10_001))).await?.invalid_at(&["/description"])?;
    let name = json!({"name": "ß".repeat(101)});
    context.send(alice.post(CONTEXTS).json(&name)).await?.invalid_at(&["/name"]).map(drop)
}
