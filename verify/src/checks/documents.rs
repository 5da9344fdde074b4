//! The OpenAPI document, the page over it, and the public keys.

use serde_json::Value;

use crate::context::Context;
use crate::outcome::{Verdict, expect, not_applicable};
use crate::request::Request;
use crate::response::Response;
use crate::token::Jwt;

/// What every product has; what it declares is looked for besides, and the document may say more.
const OPERATIONS: &[(&str, &[&str])] = &[
    ("/health", &["get"]),
    ("/health/live", &["get"]),
    ("/health/ready", &["get"]),
    ("/api/v1/auth/register", &["post"]),
    ("/api/v1/auth/login", &["post"]),
    ("/api/v1/auth/refresh", &["post"]),
    ("/api/v1/auth/logout", &["post"]),
    ("/api/v1/users/me", &["get", "patch", "delete"]),
    ("/api/v1/users/me/password", &["post"]),
    ("/api/v1/users/me/sessions", &["get"]),
    ("/api/v1/users/me/sessions/{id}", &["delete"]),
];

pub async fn openapi(context: &Context) -> Verdict {
    let document = context.send(Request::get("/openapi.json")).await?;
    if is_hidden(context, &document)? {
        return Ok(());
    }
    document.is(200)?.shaped("/openapi", "3.1", |version| version.starts_with("3.1"))?;
    let records: Vec<String> =
        context.resources.iter().map(|it| format!("{}/{{id}}", it.path)).collect();
    let of_records = records.iter().map(|path| (path.as_str(), &["get", "patch", "delete"][..]));
    let of_lists = context.resources.iter().map(|it| (it.path, &["get", "post"][..]));
    for (path, methods) in OPERATIONS.iter().copied().chain(of_lists).chain(of_records) {
        let described = &document.at("/paths")?[path];
        for method in methods {
            let responses = described[method]["responses"].as_object();
            expect(
                responses.is_some_and(|responses| !responses.is_empty()),
                "GET /openapi.json",
                format!("{method} {path} with its responses"),
                described,
            )?;
        }
    }
    Ok(())
}

pub async fn docs_page(context: &Context) -> Verdict {
    let page = context.send(Request::get("/docs")).await?;
    if is_hidden(context, &page)? {
        return Ok(());
    }
    let media = page.is(200)?.need_header("content-type")?;
    page.must(media.starts_with("text/html"), "a page of HTML")?;
    let policy = page.need_header("content-security-policy")?;
    page.must(!policy.contains("http") && !policy.contains('*'), "a policy without other origins")?;
    let html = String::from_utf8_lossy(&page.body);
    for loaded in
        ["src=\"http", "src=\"//", "src='http", "url(http", "@import", "<link href=\"http"]
    {
        page.must(!html.contains(loaded), format!("nothing from elsewhere ({loaded})"))?;
    }
    Ok(())
}

/// Whether the server hides its documents, which in production it does unless told.
fn is_hidden(context: &Context, answer: &Response) -> Verdict<bool> {
    if !context.production() {
        return Ok(false);
    }
    if answer.status == 200 {
        return not_applicable("production shows its documents, so API_DOCS must be true");
    }
    answer.problem(404).map(|_| true)
}

/// A server that signs with a shared secret has no public keys: none, or an empty set.
pub async fn jwks(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let header = Jwt::parse(&alice.session.access_token).map(|jwt| jwt.header).unwrap_or_default();
    let answer = context.send(Request::get("/.well-known/jwks.json")).await?;
    if header["alg"] == "HS256" && answer.status == 404 {
        return answer.problem(404).map(drop);
    }
    let keys = answer.is(200)?.at("/keys")?.as_array().map_or(&[][..], Vec::as_slice);
    for key in keys {
        let public = ["d", "k", "p", "q"].iter().all(|member| key[member].is_null());
        answer.must(public && key["kty"] != "oct", "public keys only")?;
        let said = ["kty", "kid", "alg"].iter().all(|member| key[member].is_string());
        answer.must(said, "kty, kid and alg of each key")?;
        answer.must(key["use"].is_null() || key["use"] == "sig", "keys for signatures")?;
    }
    let known = keys.iter().any(|key: &Value| key["kid"] == header["kid"]);
    answer.must(header["alg"] == "HS256" || known, format!("the key {}", header["kid"])).map(drop)
}
