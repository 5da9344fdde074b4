//! Bodies that are too large, and bodies that are compressed.

use serde_json::json;

use crate::context::{Account, Context, LOGIN, ME};
use crate::outcome::Verdict;
use crate::request::Request;

const MEBIBYTE: usize = 1024 * 1024;

/// A patch whose JSON is padded to a little over the default limit, so that a server with a
/// larger one just takes it.
fn oversized(account: &Account) -> Request {
    account
        .patch(ME, &json!({}))
        .body("application/json", format!("{{{}}}", " ".repeat(MEBIBYTE + 1024)))
}

/// A question whose answer is a long one: each parameter is a fault.
fn lengthy(context: &Context, account: &Account) -> Request {
    let query: Vec<String> = (0..30).map(|n| format!("walrus_{n}=1")).collect();
    // The answer tells its id, and should be the same each time.
    account.get(format!("{ME}?{}", query.join("&"))).header("x-request-id", &context.tag)
}

pub async fn too_large(context: &Context) -> Verdict {
    context.too_large(&oversized(context.alice().await?)).await
}

/// Without an announced length the limit holds just the same.
pub async fn too_large_chunked(context: &Context) -> Verdict {
    context.too_large(&oversized(context.alice().await?).chunked()).await
}

/// Anybody may send credentials, so no more is read of them than they can need.
pub async fn large_credentials(context: &Context) -> Verdict {
    let (email, password) = (context.email("nobody"), "x".repeat(17 * 1024));
    let login = Request::post(LOGIN).json(&json!({"email": email, "password": password}));
    context.send(login).await?.problem(413).map(drop)
}

pub async fn compression(context: &Context) -> Verdict {
    context.packs_like_plain(&lengthy(context, context.alice().await?)).await?;
    let small = Request::get("/health/live").header("accept-encoding", "gzip");
    context.send(small).await?.is(200)?.lacks_header("content-encoding").map(drop)
}

/// RFC 9110, section 12.5.3: weights in either case, `x-gzip`, `*`, the plain body refused.
pub async fn codings(context: &Context) -> Verdict {
    context.reads_the_wire("it reads Accept-Encoding")?;
    let alice = context.alice().await?;
    let ask = |accepted| context.send(lengthy(context, alice).header("accept-encoding", accepted));
    for accepted in ["x-gzip", "GZIP;Q=0.001", "*", "deflate, *;q=0.1", "gzip, identity;q=0"] {
        ask(accepted).await?.is(422)?.has_header("content-encoding", "gzip")?;
    }
    for accepted in ["gzip;Q=0", "gzip;q=0.000, *", "*;q=0", "gzip;q=0.5, identity", "gzip;q=2", ""]
    {
        ask(accepted)
            .await?
            .is(422)?
            .lacks_header("content-encoding")?
            .varies_by("accept-encoding")?;
    }
    Ok(())
}
