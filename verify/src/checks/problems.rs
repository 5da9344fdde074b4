//! Problem documents and request ids. That each error of the run is a whole problem
//! document is among the invariants; here are the kinds that other checks do not meet.

use http::Method;

use crate::context::{Context, LOGIN, ME};
use crate::outcome::Verdict;
use crate::request::Request;

pub async fn every_kind(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    context
        .send(alice.request(Method::PATCH, ME).body("application/json", "{"))
        .await?
        .problem(400)?;
    context.send(Request::get(ME)).await?.problem(401)?;
    context.send(Request::get("/nowhere")).await?.problem(404)?;
    context.send(Request::new(Method::PUT, LOGIN)).await?.problem(405)?;
    context.send(alice.request(Method::PATCH, ME).body("text/plain", "{}")).await?.problem(415)?;
    context.send(alice.get(format!("{ME}?bogus=1"))).await?.problem(422).map(drop)
}

pub async fn request_ids(context: &Context) -> Verdict {
    let sane = format!("verify-{}", context.tag);
    for path in ["/health/live", "/nowhere"] {
        let request = Request::get(path).header("x-request-id", &sane);
        context.send(request).await?.has_header("x-request-id", &sane)?;
    }
    let long = "x".repeat(1000);
    for insane in ["", "a b", "<script>", "a\"b", "{\"a\":1}", "ünsane", &long] {
        let request = Request::get("/health/live").header("x-request-id", insane);
        let answer = context.send(request).await?;
        let given = answer.need_header("x-request-id")?;
        answer.must(
            given != insane && !given.is_empty(),
            format!("another request id than `{insane}`"),
        )?;
    }
    let (one, two) = (
        context.send(Request::get("/health/live")).await?,
        context.send(Request::get("/health/live")).await?,
    );
    one.must(one.header("x-request-id") != two.header("x-request-id"), "an id of its own").map(drop)
}
