//! The product as a [`Service`]: every request goes to `handlers` and is measured.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::{Method, Request, Response, request::Parts};
use trireme::{App, Measured};
use trireme_core::{Error, host::Host};

use super::{Service, Upload};
use crate::metrics::{Meter, Metrics};

/// What one thread needs to answer requests to the API.
pub struct Api<H: Host> {
    app: Arc<App<H>>,
    host: Arc<H>,
    meter: Meter,
}

impl<H: Host> Api<H> {
    pub fn new(app: Arc<App<H>>, host: Arc<H>, metrics: Arc<Metrics>) -> Self {
        Self { app, host, meter: Meter::new(metrics) }
    }

    fn measured(
        &self,
        method: &Method,
        started: Instant,
        response: Response<Bytes>,
    ) -> Response<Bytes> {
        let route = response.extensions().get::<Measured>().map_or("unmatched", |it| it.route);
        self.meter.answered(method, route, response.status(), started.elapsed());
        response
    }
}

impl<H: Host + 'static> Service for Api<H> {
    async fn respond(&self, request: Request<Upload>) -> Response<Bytes> {
        let (method, started) = (request.method().clone(), Instant::now());
        let _in_flight = self.meter.begin();
        let response = trireme::dispatch(&self.app, &*self.host, request).await;
        self.measured(&method, started, response)
    }

    fn is_health(&self, path: &str) -> bool {
        trireme::is_health(path)
    }

    fn refuse(&self, head: &Parts, error: Error) -> Response<Bytes> {
        let response = trireme::refuse(&self.app, &*self.host, head, error);
        self.measured(&head.method, Instant::now(), response)
    }

    fn panicked(&self, method: &Method) -> Response<Bytes> {
        let response = trireme::panicked(&self.app, &*self.host);
        self.measured(method, Instant::now(), response)
    }
}
