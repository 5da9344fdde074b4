//! Trireme's routes, middleware and endpoints: request in, response out, on any host.
//!
//! The way of a request is in [`middleware`]; what there is to be asked is in [`routes`].

pub mod admin;
mod auth;
mod conditional;
mod context;
mod contexts;
mod database;
mod docs;
mod health;
mod idempotency;
mod ids;
mod jwks;
pub mod maintenance;
pub mod middleware;
pub mod openapi;
mod rate_limit;
mod respond;
mod router;
pub mod routes;
mod series;
mod tasks;
mod users;

use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http::{Request, Response, request::Parts};
use trireme_core::{
    Error, Timestamp,
    config::Config,
    host::{Body, Host},
    migrations::Schema,
    problem,
};

pub use series::TASKS;
pub use trireme_core::migrations;

/// What is made once, from the configuration, and serves every request.
pub struct App {
    pub config: Config,
    schema: Schema,
    router: router::Router,
    jwks: Bytes,
    cors: middleware::cors::Policy,
    ids: ids::Ids,
    /// The account of `AUTH_REQUIRED=false` is known to exist.
    local_user: AtomicBool,
    /// An address that forwards without being trusted was told of.
    told_of_proxy: AtomicBool,
}

impl App {
    pub fn new(config: Config) -> Self {
        Self {
            // Without the texts, which a host that applies none has no use for.
            schema: const { Schema::of(TASKS) },
            router: router::Router::new(),
            jwks: jwks::document(&config.auth.keys),
            cors: middleware::cors::Policy::new(&config.http),
            ids: ids::Ids::default(),
            local_user: AtomicBool::new(false),
            told_of_proxy: AtomicBool::new(false),
            config,
        }
    }
}

/// What a host may want to measure about a finished request; an extension of its response.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The route's path as the table has it, or `unmatched`: bounded, fit for a label.
    pub route: &'static str,
}

/// Whether a path is one that health probes ask: a host answers it whatever it is short of.
pub fn is_health(path: &str) -> bool {
    middleware::transport::is_probe(path)
}

/// Answers one request. The host adds a [`trireme_core::host::Peer`] to the request's extensions.
pub async fn dispatch<H: Host, B: Body>(
    app: &App,
    host: &H,
    request: Request<B>,
) -> Response<Bytes> {
    middleware::answer(app, host, request).await
}

/// The answer to a request that a host does not let through, of which `head` is as much as can be
/// told; it looks like all others, and is logged like them.
pub fn refuse<H: Host>(app: &App, host: &H, head: &Parts, error: Error) -> Response<Bytes> {
    middleware::refuse(app, host, head, error)
}

/// The answer to a request whose handler panicked.
pub fn panicked<H: Host>(app: &App, host: &H) -> Response<Bytes> {
    let (head, ()) = Request::new(()).into_parts();
    refuse(app, host, &head, Error::internal("the handler panicked"))
}

/// The answer to every request while the configuration has faults, for a host that can't refuse
/// to start. What they are was logged when they were found.
pub fn unconfigured(now: Timestamp, random: &[u8; 10]) -> Response<Bytes> {
    let id = ids::of(now, random).to_string();
    let mut response = problem::response(&Error::internal("the configuration has faults"), &id);
    middleware::headers::add(false, &id, true, &mut response);
    response
}
