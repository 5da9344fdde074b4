//! The product as a [`Service`]: every request goes to `handlers` and is measured.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::{Method, Request, Response, request::Parts};
use trireme::{Answered, App};
use trireme_core::{
    Error,
    host::{Host, Peer},
};

use super::{Service, Upload};
use crate::metrics::{Meter, Metrics};

/// What one thread needs to answer requests to the API.
pub struct Api<H: Host> {
    app: App<H>,
    host: Arc<H>,
    meter: Meter,
}

impl<H: Host> Api<H> {
    pub fn new(app: App<H>, host: Arc<H>, metrics: Arc<Metrics>) -> Self {
        Self { app, host, meter: Meter::new(metrics) }
    }

    fn measured(&self, method: &Method, started: Instant, answered: Answered) -> Response<Bytes> {
        let Answered { response, route } = answered;
        self.meter.answered(method, route, response.status(), started.elapsed());
        response
    }
}

impl<H: Host + 'static> Service for Api<H> {
    async fn respond(&self, peer: Peer, request: Request<Upload>) -> Response<Bytes> {
        let (method, started) = (request.method().clone(), Instant::now());
        let _in_flight = self.meter.begin();
        let answered = trireme::dispatch(&self.app, &*self.host, peer, request).await;
        self.measured(&method, started, answered)
    }

    fn is_health(&self, path: &str) -> bool {
        trireme::is_health(path)
    }

    fn refuse(&self, peer: Peer, head: &Parts, error: Error) -> Response<Bytes> {
        let answered = trireme::refuse(&self.app, &*self.host, peer, head, error);
        self.measured(&head.method, Instant::now(), answered)
    }

    fn panicked(&self, method: &Method) -> Response<Bytes> {
        let answered = trireme::panicked(&self.app, &*self.host);
        self.measured(method, Instant::now(), answered)
    }
}
