//! The OpenAPI 3.1 document, derived from the tables of routes and from the types that serve.

mod operation;
mod schema;
mod text;

pub use operation::Operation;
use operation::{Components, header};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};
#[doc(hidden)]
pub use text::compact;
use trireme_core::{
    Code,
    error::{CODES, Documented},
    problem::Problem,
};

use crate::{
    endpoint::{Endpoint, Per},
    middleware::transport::is_probe,
    product::{About, Tag},
};

/// What every product's callers have to know.
const ABOUT: &str = include_str!("about.md");

/// `#rrggbb`; it is lower-cased.
#[derive(JsonSchema)]
#[schemars(inline)]
pub struct ColorText(
    #[schemars(regex(pattern = "^#[0-9A-Fa-f]{6}$"), example = &"#1e90ff")]
    #[expect(dead_code, reason = "only its schema is used")]
    String,
);

/// An endpoint as the document has it.
pub struct Described {
    pub endpoint: &'static Endpoint,
    /// `GetTask`; clients made from the document call it `getTask`.
    pub name: &'static str,
    pub summary: &'static str,
    /// What it takes and gives.
    pub describe: fn(Operation) -> Operation,
}

/// The whole document. Panics where what it is made from does not agree.
pub fn document(about: &About, codes: &[Documented], operations: &[Described]) -> Value {
    let mut operation = Operation::new(CODES.iter().chain(codes).copied().collect());
    let mut paths = Map::new();
    operation.component::<Problem<'static>>();
    for described in operations {
        operation = (described.describe)(operation);
        if let Some(written) = operation.finish(described) {
            let Endpoint { path, method, .. } = described.endpoint;
            let item = paths.entry(*path).or_insert_with(|| json!({}));
            item[method.as_str().to_lowercase()] = written;
        }
    }
    agree(about, operations);
    let Components { schemas, responses } = operation.into_components();
    json!({
        "openapi": "3.1.0",
        "info": info(about),
        "servers": [{ "url": "/" }],
        "tags": tags(about.tags),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "headers": headers(operations),
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The `access_token` of a sign-in or a refresh." } },
        },
    })
}

/// What only all operations together can get wrong.
fn agree(about: &About, operations: &[Described]) {
    let tags = tags(about.tags);
    for (at, Described { endpoint, name, .. }) in operations.iter().enumerate() {
        let before = &operations[..at];
        let (path, method) = (endpoint.path, endpoint.method);
        assert!(before.iter().all(|it| it.name != *name), "two operations are called {name}");
        assert!(
            before.iter().all(|it| (it.endpoint.path, it.endpoint.method) != (path, method)),
            "there are two routes {method} {path}"
        );
        let tag = operation::tag(path);
        assert!(tags.iter().any(|known| known["name"] == tag), "{name}: ABOUT has no tag {tag}");
        let Some(limit) = endpoint.limit else { continue };
        let others = before.iter().filter_map(|it| it.endpoint.limit);
        for other in others.filter(|other| other.name == limit.name) {
            assert!(
                std::ptr::eq(other, limit),
                "two limits are called {}: make one static of them",
                limit.name
            );
        }
    }
    for (at, tag) in tags.iter().enumerate() {
        assert!(!tags[..at].iter().any(|other| other["name"] == tag["name"]), "two tags: {tag}");
    }
}

fn info(about: &About) -> Value {
    let description: Vec<_> =
        [about.description, ABOUT].into_iter().filter(|text| !text.is_empty()).collect();
    let mut info = json!({
        "title": about.title,
        "version": about.version,
        "summary": about.summary,
        "description": description.join("\n\n"),
    });
    if let Some(license) = about.license {
        info["license"] = json!({ "name": license, "identifier": license });
    }
    info
}

fn tags(product: &[Tag]) -> Vec<Value> {
    const BEFORE: [Tag; 2] = [
        Tag { name: "auth", description: "Signing up, in, on and out." },
        Tag { name: "users", description: "The own account and its sessions." },
    ];
    const AFTER: [Tag; 1] = [Tag { name: "service", description: "Health and keys." }];
    let all = BEFORE.iter().chain(product).chain(&AFTER);
    all.map(|tag| json!({ "name": tag.name, "description": tag.description })).collect()
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

/// Where a record of the product's could be.
fn place(operations: &[Described]) -> String {
    let one = operations.iter().map(|described| described.endpoint.path).rev();
    let one = one.filter_map(|path| path.strip_suffix("/{id}")).find(|path| !path.contains('{'));
    format!("{}/01a1f8d4-0170-7f29-b0c2-1d2e3f405162", one.unwrap_or("/api/v1/records"))
}

fn headers(operations: &[Described]) -> Value {
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
            "Where the new record is.", &place(operations), true,
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
fn common(endpoint: &Endpoint) -> Vec<Code> {
    let mut codes = vec![
        Code::MALFORMED_REQUEST,
        Code::INVALID_HOST,
        Code::ORIGIN_NOT_ALLOWED,
        Code::INTERNAL,
        Code::TIMEOUT,
    ];
    // Probes may be asked with any query; nothing else may.
    if !is_probe(endpoint.path) {
        codes.extend([Code::INVALID, Code::MALFORMED_QUERY]);
        if endpoint.path.starts_with("/api/") {
            codes.extend([Code::DATABASE_UNAVAILABLE, Code::STARTING, Code::OVERLOADED]);
        }
    }
    if endpoint.access.needs_user() {
        codes.extend([Code::UNAUTHENTICATED, Code::SESSION_ENDED]);
    }
    if endpoint.limit.is_some() {
        codes.push(Code::RATE_LIMITED);
    }
    if *endpoint.method != http::Method::GET {
        codes.extend([Code::BODY_TOO_LARGE, Code::BODY_TIMEOUT, Code::OUTCOME_UNKNOWN]);
    }
    codes
}

/// What an endpoint's limit counts.
fn counted(endpoint: &Endpoint) -> Option<&'static str> {
    Some(match endpoint.limit?.per {
        Per::Address => {
            "Requests are counted by client address; the `RateLimit` field tells what is left."
        }
        Per::User => "Requests are counted by user; the `RateLimit` field tells what is left.",
    })
}
