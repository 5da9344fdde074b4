//! Which origins a browser may call from.

use http::Method;
use http::uri::Scheme;

use crate::context::{Context, ME};
use crate::outcome::{Verdict, not_applicable};
use crate::request::Request;
use crate::response::Response;

fn preflight(origin: &str) -> Request {
    Request::new(Method::OPTIONS, ME)
        .header("origin", origin)
        .header("access-control-request-method", "PATCH")
        .header(
            "access-control-request-headers",
            "authorization,content-type,if-match,idempotency-key",
        )
}

/// Refused, and without a word that a browser could take for permission.
fn is_refused(answer: &Response) -> Verdict {
    answer.problem_with_code(403, "origin_not_allowed")?;
    let allows =
        answer.headers.keys().find(|name| name.as_str().starts_with("access-control-allow-"));
    answer.must(allows.is_none(), format!("no {}", allows.map_or("", |name| name.as_str())))?;
    answer.must(answer.list("vary").contains(&"origin".to_owned()), "Vary: Origin").map(drop)
}

fn allowed_origin(context: &Context) -> Verdict<&str> {
    match &context.options.origin_allowed {
        Some(origin) => Ok(origin),
        None => not_applicable("no allowed origin was given"),
    }
}

pub async fn no_origin(context: &Context) -> Verdict {
    let answer = context.send(Request::get("/health/live")).await?;
    answer.is(200)?.lacks_header("access-control-allow-origin")?;
    answer.must(answer.list("vary").contains(&"origin".to_owned()), "Vary: Origin").map(drop)
}

pub async fn refused(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let own = context.options.url.origin();
    for origin in [
        "https://evil-origin.example",
        "http://evil-origin.example:8000",
        "null",
        "*",
        "garbage",
        "file://",
        &format!("{own}.evil-origin.example"),
        &format!("{own}/"),
        &format!("https://evil-origin.example, {own}"),
    ] {
        let answer = context.send(alice.get(ME).header("origin", origin)).await?;
        is_refused(answer.must(answer.status == 403, format!("status 403 for Origin: {origin}"))?)?;
    }
    let anywhere = Request::get("/nowhere").header("origin", "https://evil-origin.example");
    is_refused(&context.send(anywhere).await?)
}

pub async fn refused_preflight(context: &Context) -> Verdict {
    for origin in ["https://evil-origin.example", "null"] {
        is_refused(&context.send(preflight(origin)).await?)?;
    }
    Ok(())
}

pub async fn own_origin(context: &Context) -> Verdict {
    let own = context.options.url.origin();
    let request = context.alice().await?.get(ME).header("origin", own);
    context.send(request).await?.is(200).map(drop)
}

pub async fn allowed(context: &Context) -> Verdict {
    let origin = allowed_origin(context)?;
    let alice = context.alice().await?;
    // An error carries the headers too, or a page could not read it.
    for path in [ME, "/api/v1/users/me?bogus=1", "/nowhere"] {
        let answer = context.send(alice.get(path).header("origin", origin)).await?;
        answer.must(answer.status != 403, "anything but 403")?;
        answer.has_header("access-control-allow-origin", origin)?;
        let exposed = answer.list("access-control-expose-headers");
        for name in ["etag", "x-request-id"] {
            answer.must(
                exposed.contains(&name.to_owned()),
                format!("{name} among the exposed headers"),
            )?;
        }
        let credentials = answer.header("access-control-allow-credentials");
        answer.must(matches!(credentials, None | Some("true")), "credentials `true` or unsaid")?;
    }
    Ok(())
}

pub async fn allowed_preflight(context: &Context) -> Verdict {
    let origin = allowed_origin(context)?;
    let answer = context.send(preflight(origin)).await?;
    answer.is(204)?.has_header("access-control-allow-origin", origin)?;
    let age = answer.need_header("access-control-max-age")?.parse::<u32>();
    answer.must(age.is_ok_and(|seconds| seconds > 0), "seconds in Access-Control-Max-Age")?;
    let methods = answer.list("access-control-allow-methods");
    answer.must(methods.contains(&"patch".to_owned()), "PATCH among the allowed methods")?;
    let headers = answer.list("access-control-allow-headers");
    let own = ["authorization", "content-type", "if-match", "idempotency-key"];
    let tracing = ["traceparent", "tracestate", "baggage", "sentry-trace"];
    for name in own.into_iter().chain(tracing) {
        answer.must(
            headers.contains(&name.to_owned()),
            format!("{name} among the allowed headers"),
        )?;
    }
    answer.must(answer.body.is_empty(), "no body").map(drop)
}

/// Origins that resemble the allowed one.
pub async fn look_alikes(context: &Context) -> Verdict {
    let origin = allowed_origin(context)?;
    let (scheme, rest) = origin.split_once("://").unwrap_or(("https", origin));
    let other = if scheme == Scheme::HTTPS.as_str() { "http" } else { "https" };
    for origin in [
        format!("{origin}.evil-origin.example"),
        format!("{origin}@evil-origin.example"),
        format!("{origin}/"),
        format!("{origin}:1"),
        format!("{other}://{rest}"),
        format!("{scheme}://evil-origin.example/{rest}"),
        format!("{scheme}://evil-origin.example.{rest}"),
    ] {
        is_refused(&context.send(Request::get("/health/live").header("origin", origin)).await?)?;
    }
    Ok(())
}
