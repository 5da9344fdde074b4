//! The OpenAPI 3.1 document, derived from the route table and from the types that serve.

mod operation;
mod schema;
mod text;

pub use operation::Operation;
use operation::{Components, header};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};
pub use text::TEXT;
use trireme_core::{Code, VERSION, error::Documented, problem::Problem};

use crate::{
    middleware::transport::is_probe,
    routes::{Route, TABLE},
};

const ABOUT: &str = include_str!("about.md");

/// `#rrggbb`; it is lower-cased.
#[derive(JsonSchema)]
#[schemars(inline)]
pub struct ColorText(
    #[schemars(regex(pattern = "^#[0-9A-Fa-f]{6}$"), example = &"#1e90ff")]
    #[expect(dead_code, reason = "only its schema is used")]
    String,
);

/// The whole document. `docs/openapi.json` is this, and a test keeps it so.
pub fn document() -> Value {
    let mut operation = Operation::default();
    let mut paths = Map::new();
    operation.component::<Problem<'static>>();
    for route in TABLE {
        operation = route.describe(operation);
        if let Some(described) = operation.finish(route) {
            let item = paths.entry(route.path).or_insert_with(|| json!({}));
            item[route.method.as_str().to_lowercase()] = described;
        }
    }
    let Components { schemas, responses } = operation.into_components();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Trireme",
            "version": VERSION,
            "summary": "Accounts, tokens, and records that only their owner can see.",
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": [
            { "name": "auth", "description": "Signing up, in, on and out." },
            { "name": "users", "description": "The own account and its sessions." },
            { "name": "contexts", "description": "What tasks are sorted by." },
            { "name": "tasks", "description": "Tasks." },
            { "name": "service", "description": "Health and keys." },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "headers": headers(),
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The `access_token` of a sign-in or a refresh." } },
        },
    })
}

/// The problems of one status that an operation can answer with.
fn fault(status: u16, codes: &[Documented]) -> Value {
    let meanings: Vec<_> = codes
        .iter()
        .map(|known| format!("- `{}`: {}", known.code.as_str(), known.meaning))
        .collect();
    let examples: Map<_, _> =
        codes.iter().map(|known| (known.code.as_str().to_owned(), example(*known))).collect();
    let names: &[_] = match status {
        401 => &["X-Request-Id", "WWW-Authenticate"],
        429 => &["X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy"],
        503 => &["X-Request-Id", "Retry-After"],
        _ => &["X-Request-Id"],
    };
    let headers: Map<_, _> = names.iter().map(|name| ((*name).to_owned(), header(name))).collect();
    json!({
        "description": meanings.join("\n"),
        "headers": headers,
        "content": { "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/Problem" },
            "examples": examples,
        } },
    })
}

fn example(Documented { code, meaning }: Documented) -> Value {
    let mut problem = json!({
        "type": format!("urn:trireme:error:{}", code.as_str()),
        "title": code.title(),
        "status": code.status(),
        "detail": meaning,
        "code": code.as_str(),
        "request_id": "01a1f8d3-ea00-7a5e-8c1f-3d2b9e4f6a70",
    });
    if code == Code::INVALID {
        problem["errors"] = json!([
            { "pointer": "/title", "code": "length", "detail": "Must have 1 to 200 characters." },
            { "pointer": "/colour", "code": "unknown_field", "detail": "Is not known here." },
        ]);
    }
    json!({ "value": problem })
}

fn headers() -> Value {
    let text = |description: &str, example: &str, required: bool| {
        json!({
            "description": description, "required": required,
            "schema": { "type": "string" }, "example": example,
        })
    };
    json!({
        "X-Request-Id": text(
            "The id under which this request is logged: the caller's own if it sent a sane one.",
            "01a1f8d3-ea00-7a5e-8c1f-3d2b9e4f6a70", true,
        ),
        "ETag": text("The version of the record; send it back in If-None-Match or If-Match.", "\"3\"", true),
        "Location": text(
            "Where the new record is.", "/api/v1/tasks/01a1f8d4-0170-7f29-b0c2-1d2e3f405162", true,
        ),
        "Idempotency-Replayed": text(
            "`true` when this is the answer of an earlier request with this key.", "true", false,
        ),
        "Retry-After": {
            "description": "Seconds to wait.", "required": true,
            "schema": { "type": "integer", "minimum": 1 }, "example": 1,
        },
        "WWW-Authenticate": text("`Bearer`.", "Bearer", true),
        "RateLimit": text(
            "What is left of each limit, and in how many seconds it opens again.",
            "\"address\";r=59;t=60", true,
        ),
        "RateLimit-Policy": text(
            "The limits that apply: so many requests in a window of so many seconds.",
            "\"address\";q=60;w=60", true,
        ),
    })
}

/// The faults that any request of a kind can meet, whatever its handler does.
fn common(route: &Route) -> Vec<Code> {
    let mut codes = vec![
        Code::MALFORMED_REQUEST,
        Code::INVALID_HOST,
        Code::ORIGIN_NOT_ALLOWED,
        Code::INTERNAL,
        Code::TIMEOUT,
    ];
    // Probes may be asked with any query; nothing else may.
    if !is_probe(route.path) {
        codes.extend([Code::INVALID, Code::MALFORMED_QUERY]);
        if route.path.starts_with("/api/") {
            codes.extend([Code::DATABASE_UNAVAILABLE, Code::STARTING, Code::OVERLOADED]);
        }
    }
    if route.access.needs_user() {
        codes.extend([Code::UNAUTHENTICATED, Code::SESSION_ENDED]);
    }
    if route.access.is_limited() {
        codes.push(Code::RATE_LIMITED);
    }
    if *route.method != http::Method::GET {
        codes.extend([Code::BODY_TOO_LARGE, Code::BODY_TIMEOUT, Code::OUTCOME_UNKNOWN]);
    }
    codes
}
