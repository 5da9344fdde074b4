//! Bodies that are too large, and bodies that are compressed.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::json;

use crate::context::{Account, Context, LOGIN, TASKS};
use crate::outcome::{Stop, Verdict, expect, failed, not_applicable, text};
use crate::request::Request;

const MEBIBYTE: usize = 1024 * 1024;

/// A task whose JSON is padded to a little over the default limit, so that a server with a
/// larger one just takes it.
fn oversized(account: &Account) -> Request {
    let padded = format!("{{\"title\": \"large\"{}}}", " ".repeat(MEBIBYTE + 1024));
    account.post(TASKS).body("application/json", padded)
}

async fn expect_too_large(context: &Context, request: Request) -> Verdict {
    // A server that stops reading may close the connection before its answer is read.
    let mut last = None;
    for _ in 0..3 {
        match context.send(request.clone()).await {
            Ok(answer) if answer.status == 201 => return not_applicable("the body limit is above 1 MiB"),
            Ok(answer) => return answer.problem(413).map(drop),
            Err(stop) => last = Some(stop),
        }
    }
    last.map_or(Ok(()), Err::<(), Stop>)
}

pub async fn too_large(context: &Context) -> Verdict {
    expect_too_large(context, oversized(context.alice().await?)).await
}

/// Without an announced length the limit holds just the same.
pub async fn too_large_chunked(context: &Context) -> Verdict {
    expect_too_large(context, oversized(context.alice().await?).chunked()).await
}

/// Anybody may send credentials, so no more is read of them than they can need.
pub async fn large_credentials(context: &Context) -> Verdict {
    let (email, password) = (context.email("nobody"), "x".repeat(17 * 1024));
    let login = Request::post(LOGIN).json(&json!({"email": email, "password": password}));
    context.send(login).await?.problem(413).map(drop)
}

/// RFC 9110, section 12.5.3: weights in either case, `x-gzip`, `*`, the plain body refused.
pub async fn codings(context: &Context) -> Verdict {
    context.reads_the_wire("it reads Accept-Encoding")?;
    let alice = context.alice().await?;
    let body = json!({"title": "large", "description": "dugong ".repeat(1000)});
    let task = context.create(alice, TASKS, body).await?;
    let path = format!("{TASKS}/{}", text(&task, "/id")?);
    let ask = |accepted| context.send(alice.get(&path).header("accept-encoding", accepted));
    for accepted in ["x-gzip", "GZIP;Q=0.001", "*", "deflate, *;q=0.1", "gzip, identity;q=0"] {
        ask(accepted).await?.is(200)?.has_header("content-encoding", "gzip")?;
    }
    for accepted in ["gzip;Q=0", "gzip;q=0.000, *", "*;q=0", "gzip;q=0.5, identity", "gzip;q=2", ""] {
        let answer = ask(accepted).await?;
        answer.is(200)?.lacks_header("content-encoding")?;
        answer.must(answer.list("vary").contains(&"accept-encoding".to_owned()), "Vary: Accept-Encoding")?;
    }
    Ok(())
}

/// The tag of a compressed answer is as good as that of a plain one.
pub async fn compressed_etags(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let body = json!({"title": "large", "description": "narwhal ".repeat(1000)});
    let task = context.create(alice, TASKS, body).await?;
    let path = format!("{TASKS}/{}", text(&task, "/id")?);
    let get = || alice.get(&path).header("accept-encoding", "gzip");
    let packed = context.send(get()).await?;
    let etag = packed.is(200)?.need_header("etag")?;
    context.send(get().header("if-none-match", etag)).await?.is(304)?;
    let patch = alice.patch(&path, &json!({"title": "still large"})).header("if-match", etag);
    context.send(patch).await?.is(200)?;
    context.send(get().header("if-none-match", etag)).await?.is(200).map(drop)
}

pub async fn compression(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let body = json!({"title": "large", "description": "walrus ".repeat(1000)});
    let task = context.create(alice, TASKS, body).await?;
    let path = format!("{TASKS}/{}", text(&task, "/id")?);
    let plain = context.send(alice.get(&path)).await?;
    plain.is(200)?.lacks_header("content-encoding")?;

    let packed = context.send(alice.get(&path).header("accept-encoding", "br;q=0, gzip")).await?;
    packed.is(200)?.has_header("content-encoding", "gzip")?;
    packed.must(packed.list("vary").contains(&"accept-encoding".to_owned()), "Vary: Accept-Encoding")?;
    let mut bytes = Vec::new();
    if let Err(error) = GzDecoder::new(&packed.body[..]).read_to_end(&mut bytes) {
        return failed(&*packed.request, "gzip", error.to_string());
    }
    expect(bytes == plain.body, &*packed.request, "the bytes of the plain answer", "others")?;

    for refusal in ["identity", "gzip;q=0", "nonsense"] {
        let answer = context.send(alice.get(&path).header("accept-encoding", refusal)).await?;
        answer.is(200)?.lacks_header("content-encoding")?;
    }
    let small = Request::get("/health/live").header("accept-encoding", "gzip");
    context.send(small).await?.is(200)?.lacks_header("content-encoding").map(drop)
}
