//! The OpenAPI 3.1 document, derived from the route table and from the types that serve.

mod operation;
mod schema;

use std::collections::BTreeSet;

pub use operation::Operation;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use shared::{Code, VERSION, problem::Problem};

use crate::routes::{Access, Route, TABLE};

/// `#rrggbb` in the document.
#[derive(JsonSchema)]
#[schemars(inline)]
pub struct ColorText(
    #[schemars(regex(pattern = "^#[0-9A-Fa-f]{6}$"), example = &"#1e90ff")]
    #[expect(dead_code, reason = "only its schema is used")]
    String,
);

/// Whether a route's description names parameters of the query.
pub fn takes_query(route: &Route) -> bool {
    (route.describe)(Operation::new()).has_query()
}

/// The whole document. `docs/openapi.json` is this, and a test keeps it so.
pub fn document() -> Value {
    let mut operation = Operation::new();
    let mut paths = Map::new();
    let mut used = BTreeSet::new();
    operation.component::<Problem<'static>>();
    for route in TABLE {
        operation = (route.describe)(operation);
        if let Some(described) = operation.finish(route, &mut used) {
            let item = paths.entry(route.path).or_insert_with(|| json!({}));
            item[route.method.as_str().to_lowercase()] = described;
        }
    }
    let responses: Map<_, _> =
        used.iter().map(|&status| (status.to_string(), fault(status))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Trireme",
            "version": VERSION,
            "summary": "Accounts, tokens, and records that only their owner can see.",
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
            "schemas": operation.into_components(),
            "responses": responses.into_iter().map(|(status, fault)| (format!("E{status}"), fault)).collect::<Map<_, _>>(),
            "headers": headers(),
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
        },
    })
}

/// All problems of one status.
fn fault(status: u16) -> Value {
    let codes: Vec<Code> =
        Code::ALL.iter().copied().filter(|code| code.status() == status).collect();
    let meanings: Vec<_> =
        codes.iter().map(|code| format!("- `{}`: {}", code.as_str(), code.meaning())).collect();
    let examples: Map<_, _> =
        codes.iter().map(|code| (code.as_str().to_owned(), example(*code))).collect();
    let mut headers = json!({ "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" } });
    for (name, on) in [
        ("Retry-After", matches!(status, 429 | 503)),
        ("WWW-Authenticate", status == 401),
        ("Allow", status == 405),
    ] {
        if on {
            headers[name] = json!({ "$ref": format!("#/components/headers/{name}") });
        }
    }
    json!({
        "description": meanings.join("\n"),
        "headers": headers,
        "content": { "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/Problem" },
            "examples": examples,
        } },
    })
}

fn example(code: Code) -> Value {
    let mut problem = json!({
        "type": format!("urn:trireme:error:{}", code.as_str()),
        "title": code.title(),
        "status": code.status(),
        "detail": code.meaning(),
        "code": code.as_str(),
        "request_id": "0199c0de-0000-7000-8000-000000000000",
    });
    if code == Code::Invalid {
        problem["errors"] = json!([{ "pointer": "/title", "code": "length", "detail": "Must have 1 to 200 characters." }]);
    }
    json!({ "value": problem })
}

fn headers() -> Value {
    let text =
        |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    let seconds =
        json!({ "description": "Seconds to wait.", "schema": { "type": "integer", "minimum": 1 } });
    json!({
        "X-Request-Id": text("The id under which this request is logged."),
        "ETag": text("The version of the record; send it back in If-None-Match or If-Match."),
        "Location": text("Where the new record is."),
        "Idempotency-Replayed": text("`true` when this is the answer of an earlier request with this key."),
        "Retry-After": seconds,
        "WWW-Authenticate": text("`Bearer`."),
        "Allow": text("The methods of this path."),
        "RateLimit": text("What is left of each limit, and when it opens again."),
        "RateLimit-Policy": text("The limits that apply."),
    })
}

/// The faults that any request of a kind can meet, whatever its handler does.
fn common(access: Access, method: &http::Method, api: bool) -> Vec<Code> {
    let mut codes = vec![Code::InvalidHost, Code::OriginNotAllowed, Code::Internal, Code::Timeout];
    if api {
        codes.extend([Code::Invalid, Code::MalformedQuery, Code::DatabaseUnavailable]);
    }
    if access.needs_user() {
        codes.extend([Code::Unauthenticated, Code::SessionEnded]);
    }
    if access.is_limited() {
        codes.extend([Code::RateLimited, Code::Overloaded]);
    }
    if *method != http::Method::GET {
        codes.extend([Code::BodyTooLarge, Code::BodyTimeout, Code::OutcomeUnknown]);
    }
    codes
}
