//! Trireme's routes, middleware and endpoints: request in, response out, on any host.

use bytes::Bytes;
use http::{Request, Response};
use shared::{
    config::Config,
    host::{Body, Host},
};

/// What is made once, from the configuration, and serves every request.
pub struct App {
    pub config: Config,
}

impl App {
    pub fn new(config: Config) -> Self {
        Self { config }
    }
}

/// What a host may want to measure about a finished request; an extension of its response.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The route's path as the table has it, or `unmatched`: bounded, fit for a label.
    pub route: &'static str,
}

/// Answers one request. The host adds a [`shared::host::Peer`] to the request's extensions.
pub async fn dispatch<H: Host, B: Body>(app: &App, host: &H, request: Request<B>) -> Response<Bytes> {
    let _ = (app, host.now(), request);
    Response::new(Bytes::new())
}
