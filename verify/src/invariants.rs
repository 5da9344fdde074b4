//! What holds for every response, whatever was asked. The client applies this to each
//! answer of a run; the check `closing/every_response` reports what it found.

use http::{Method, StatusCode, header};

use crate::request::Request;
use crate::response::Response;

const CSP: &str = "default-src 'none'; frame-ancestors 'none'";
const HSTS: &str = "max-age=63072000; includeSubDomains";

/// Words that only a cause, a stack or a query would bring into a body.
const CAUSES: &[&str] = &[
    "panicked",
    "stack backtrace",
    ".rs:",
    "SELECT ",
    "INSERT ",
    "SQLSTATE",
    "sqlite",
    "postgres",
];

/// What is wrong with the response. `production` is `None` while that is not known yet.
pub fn faults(request: &Request, response: &Response, production: Option<bool>) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
    ] {
        require(response, name, value, &mut faults);
    }
    if is_json(response) {
        require(response, "content-security-policy", CSP, &mut faults);
    }
    match production {
        Some(true) => require(response, "strict-transport-security", HSTS, &mut faults),
        Some(false) if response.header("strict-transport-security").is_some() => {
            faults.push("strict-transport-security outside production".to_owned());
        }
        _ => {}
    }
    if !response.list("vary").iter().any(|name| name == "origin") {
        faults.push("no `Vary: Origin`".to_owned());
    }
    if response.header("x-request-id").is_none_or(str::is_empty) {
        faults.push("no X-Request-Id".to_owned());
    }
    if request.headers.contains_key(header::AUTHORIZATION) && response.status.is_success() {
        faults.extend(cacheable(response));
    }
    let status = response.status;
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
        && response.header("retry-after").is_none()
    {
        faults.push(format!("{} without Retry-After", status.as_u16()));
    }
    if (status.is_client_error() || status.is_server_error()) && request.method != Method::HEAD {
        faults.extend(response.problem_fault());
    }
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        faults.push(internal_error(response));
    }
    faults
}

fn require(response: &Response, name: &'static str, value: &str, faults: &mut Vec<String>) {
    let actual = response.header(name);
    if actual != Some(value) {
        faults.push(format!("{name} is {}", actual.unwrap_or("absent")));
    }
}

fn is_json(response: &Response) -> bool {
    response.header("content-type").is_some_and(|media| media.contains("json"))
}

/// `no-store`, or the better word that an endpoint may have: private and revalidated.
fn cacheable(response: &Response) -> Option<String> {
    let directives = response.list("cache-control");
    let has = |name: &str| directives.iter().any(|directive| directive == name);
    let fine = has("no-store") || has("private") && has("no-cache");
    (!fine).then(|| format!("an authenticated answer may be cached: {directives:?}"))
}

fn internal_error(response: &Response) -> String {
    let body = String::from_utf8_lossy(&response.body);
    match CAUSES.iter().find(|word| body.contains(*word)) {
        Some(word) => format!("a 500 that tells its cause ({word}): {}", response.shown()),
        None => format!("a 500: {}", response.shown()),
    }
}
