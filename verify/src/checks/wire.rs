//! HTTP/1.1 as it goes over the wire.

use crate::context::Context;
use crate::outcome::{Verdict, expect};
use crate::raw::exchange;
use crate::request::Request;

/// A client library hides bytes after the head of such an answer; the next answer on the
/// connection would begin with them.
pub async fn head_has_no_body(context: &Context) -> Verdict {
    for path in ["/health/live", "/nowhere"] {
        let title = format!("HEAD {path}");
        let host = &context.options.url.authority;
        let request = format!("{title} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = exchange(&context.options, &title, &request).await?;
        expect(answer.rest.is_empty(), title, "nothing after the head", answer.rest.len())?;
    }
    Ok(())
}

/// Two lengths are how requests are smuggled past a proxy (RFC 9112, section 6.3).
pub async fn conflicting_lengths(context: &Context) -> Verdict {
    let title = "PATCH /api/v1/users/me with two lengths";
    let host = &context.options.url.authority;
    let request = format!(
        "PATCH /api/v1/users/me HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}\n"
    );
    let answer = exchange(&context.options, title, &request).await?;
    if context.reads_the_wire("").is_err() {
        // A platform refuses it in its own words.
        return expect(answer.status >= 400, title, "a refusal", answer.status);
    }
    expect(answer.status == 400, title, "status 400", answer.status)
}

/// A server takes the absolute form of a target too (RFC 9112, section 3.2.2).
pub async fn absolute_target(context: &Context) -> Verdict {
    context.reads_the_wire("it reads the target")?;
    let (title, url) = ("GET of an absolute target", &context.options.url);
    let host = &url.authority;
    let request =
        format!("GET {url}/health/live HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let answer = exchange(&context.options, title, &request).await?;
    expect(answer.status == 200, title, "status 200", answer.status)
}

/// A server that knows its hosts refuses others with an answer that looks like all; one
/// that does not, serves.
pub async fn foreign_host(context: &Context) -> Verdict {
    let request = Request::get("/health/live").header("host", "evil-host.example");
    let answer = context.send(request).await?;
    if answer.status == 200 {
        return Ok(());
    }
    answer.is_one_of(&[400, 403, 404, 421])?.problem(answer.status.as_u16()).map(drop)
}
