//! Trireme's routes, middleware and endpoints: request in, response out, on any host.
//!
//! The way of a request is in [`middleware`]; what there is to be asked is the core's `routes` and
//! those of a [`Product`].

// What the macros derive names this crate, here as in a product.
extern crate self as trireme;

pub mod admin;
mod app;
mod auth;
pub mod conditional;
mod context;
mod database;
mod docs;
mod endpoint;
mod health;
pub mod idempotency;
mod ids;
mod input;
mod jwks;
pub mod mail;
pub mod maintenance;
pub mod middleware;
pub mod openapi;
pub mod outcome;
mod product;
mod rate_limit;
pub mod record;
pub mod respond;
mod router;
mod routes;
#[cfg(feature = "fault-injection")]
#[doc(hidden)]
pub mod trial;
mod users;

use http::{Request, request::Parts};
use trireme_core::problem;

pub use app::App;
pub use bytes::Bytes;
pub use conditional::Precondition;
pub use context::Context;
pub use endpoint::{Access, Call, Endpoint, Limit, Per, Route};
pub use http::{Method, Response, StatusCode};
pub use openapi::{Described, Operation};
pub use product::{About, Product, Tag, document, operations, series};
pub use schemars;
pub use serde;
pub use serde_json;
use trireme_core::host::{Body, Peer};
pub use trireme_core::{
    Base64, Code, Date, Error, Fault, Json, Secret, Timestamp, Uuid, codes, config,
    error::{self, Result},
    host::{self, Host},
    http::call,
    if_match, json, migrations, page, sql, text, validate,
};
pub use validator;

/// What a handler gives.
pub type Answer = Result<Response<Bytes>>;

/// An answer, and what a host may want to count it under.
#[derive(Debug)]
pub struct Answered {
    pub response: Response<Bytes>,
    /// The route's path as the table has it, or `unmatched`: bounded, fit for a label.
    pub route: &'static str,
}

/// Whether a path is one that health probes ask: a host answers it whatever it is short of.
pub fn is_health(path: &str) -> bool {
    middleware::transport::is_probe(path)
}

/// Answers one request.
pub fn dispatch<H: Host, B: Body>(
    app: &App<H>,
    host: &H,
    peer: Peer,
    request: Request<B>,
) -> impl Future<Output = Answered> {
    middleware::answer(app, host, peer, request)
}

/// The answer to a request that a host does not let through, of which `head` is as much as can be
/// told; it looks like all others, and is logged like them.
pub fn refuse<H: Host>(app: &App<H>, host: &H, peer: Peer, head: &Parts, error: Error) -> Answered {
    middleware::refuse(app, host, peer, head, error)
}

/// The answer to a request whose handler panicked.
pub fn panicked<H: Host>(app: &App<H>, host: &H) -> Answered {
    let (head, ()) = Request::new(()).into_parts();
    refuse(app, host, Peer::UNKNOWN, &head, Error::internal("the handler panicked"))
}

/// The answer to every request while the configuration has faults, for a host that can't refuse
/// to start. What they are was logged when they were found.
pub fn unconfigured(now: Timestamp, random: &[u8; 10]) -> Response<Bytes> {
    let id = ids::of(now, random).to_string();
    let mut response = problem::response(&Error::internal("the configuration has faults"), &id);
    middleware::headers::add(false, &id, true, &mut response);
    response
}
