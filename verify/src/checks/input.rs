//! Input that is malformed (400), of the wrong kind (415), or well-formed but invalid (422), as it
//! shows on the account's own name. Each resource is held to the same for its fields.

use http::Method;
use serde_json::json;

use crate::context::{Context, ME, SESSIONS};
use crate::outcome::Verdict;
use crate::request::Request;

pub async fn malformed_json(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let deep = "[".repeat(100_000);
    let bodies: &[&[u8]] = &[
        b"",
        b"{",
        b"{\"name\": \"x\"} trailing",
        b"{\"name\": \"x\", \"name\": \"y\"}",
        b"{\"name\": \"x\", \"n\\u0061me\": \"y\"}",
        b"{\"name\": \"\\ud800\"}",
        b"{\"name\": \"\\udc00\\ud800\"}",
        b"{\"name\": \"\xff\"}",
        b"{\"name\": \"\xed\xa0\x80\"}",
        b"{\"name\": \"line\nbreak\"}",
        b"{'name': 'x'}",
        b"{\"name\": NaN}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let request = alice.request(Method::PATCH, ME).body("application/json", body.to_vec());
        let shown: String = String::from_utf8_lossy(body).chars().take(40).collect();
        let answer = context.send(request).await?;
        answer
            .must(answer.status == 400, format!("status 400 for the body `{shown}`"))?
            .problem(400)?;
    }
    Ok(())
}

pub async fn wrong_types(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    for body in [
        json!({"name": 5}),
        json!({"name": {"a": 1}}),
        json!({"name": ["Alice"]}),
        json!({"name": true}),
    ] {
        context.send(alice.patch(ME, &body)).await?.invalid_at(&["/name"])?;
    }
    Ok(())
}

pub async fn nul_in_text(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    context.send(alice.patch(ME, &json!({"name": "a\u{0}b"}))).await?.invalid_text().map(drop)
}

pub async fn steering_text(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    for text in ["a\u{1b}[2J", "a\u{7f}", "a\u{9b}1m", "a\u{7}"] {
        context.send(alice.patch(ME, &json!({"name": text}))).await?.invalid_text()?;
    }
    Ok(())
}

/// A name shows something.
pub async fn blank_names(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    for text in [" ", "\t\n", "\u{a0}\u{3000}", "\u{200b}"] {
        context.send(alice.patch(ME, &json!({"name": text}))).await?.invalid_text()?;
    }
    Ok(())
}

/// Members that an account has but a caller may not set are unknown too.
pub async fn unknown_members(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    for member in ["id", "email", "created_at", "admin"] {
        let answer = context.send(alice.patch(ME, &json!({member: 1}))).await?;
        answer.invalid_at(&[&format!("/{member}")])?;
    }
    Ok(())
}

pub async fn unknown_query(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    for path in [ME, SESSIONS] {
        context.send(alice.get(format!("{path}?bogus=1"))).await?.problem(422)?;
    }
    // A parameter given twice is either malformed or invalid, never silently one of the two.
    for query in ["a=1&a=2", "a=%ff"] {
        context.send(alice.get(format!("{ME}?{query}"))).await?.is_one_of(&[400, 422])?;
    }
    Ok(())
}

pub async fn content_types(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let body = r#"{"name": "Alice"}"#;
    let patch = || alice.request(Method::PATCH, ME);
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        context.send(patch().body(media, body)).await?.problem(415)?;
    }
    context.send(patch().untyped_body(body)).await?.problem(415)?;
    context.send(patch().body("application/json; charset=utf-8", body)).await?.is(200)?;
    context.send(patch().body("Application/JSON", body)).await?.is(200)?;
    // Without credentials it is the missing credentials that count, not the body.
    let stranger = Request::new(Method::PATCH, ME).body("text/plain", body);
    context.send(stranger).await?.unauthorized().map(drop)
}

/// One 😀 is one character, though four bytes and two units of UTF-16.
pub async fn lengths_count_characters(context: &Context) -> Verdict {
    let bob = context.bob().await?;
    let name = |length| json!({"name": "😀".repeat(length)});
    context.send(bob.patch(ME, &name(100))).await?.is(200)?.equals("/name", "😀".repeat(100))?;
    for wrong in [name(101), json!({"name": ""})] {
        context.send(bob.patch(ME, &wrong)).await?.invalid_at(&["/name"])?;
    }
    Ok(())
}
