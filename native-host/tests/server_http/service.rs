//! Something to serve, and a server of it inside this process.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header, request::Parts};
use trireme_core::{
    Error,
    config::Proxies,
    host::{Body as _, BodyError, Peer},
    problem,
};
use trireme_native::{
    later::Later,
    server::{House, Limits, Server, Service, Upload, bind},
};

/// The largest body that `/echo` takes.
pub const BODY_LIMIT: usize = 1 << 20;

/// What of `/later` was done to its end.
pub static WORKED: AtomicUsize = AtomicUsize::new(0);

pub struct Fixture(Later);

impl Service for Fixture {
    async fn respond(&self, peer: Peer, request: Request<Upload>) -> Response<Bytes> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        match request.uri().path() {
            "/echo" => match request.into_body().read(BODY_LIMIT).await {
                Ok(body) => Response::new(body),
                Err(error) => answer(
                    match error {
                        BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                        BodyError::TimedOut => StatusCode::REQUEST_TIMEOUT,
                        BodyError::Aborted => StatusCode::BAD_REQUEST,
                        BodyError::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
                    },
                    format!("{error:?}"),
                ),
            },
            "/early" => answer(StatusCode::UNAUTHORIZED, "early"),
            "/slow" => {
                tokio::time::sleep(Duration::from_millis(query.parse().unwrap())).await;
                answer(StatusCode::OK, "slow")
            }
            "/later" => {
                self.0.begin(async move {
                    tokio::time::sleep(Duration::from_millis(query.parse().unwrap())).await;
                    WORKED.fetch_add(1, Ordering::Relaxed);
                });
                answer(StatusCode::ACCEPTED, "later")
            }
            "/panic" => panic!("on purpose"),
            "/large" => answer(StatusCode::OK, "x".repeat(query.parse().unwrap())),
            "/peer" => answer(StatusCode::OK, peer.address.to_string()),
            _ => {
                let hosts = request.headers().get_all(header::HOST).iter().count();
                answer(StatusCode::OK, format!("{} {} {hosts}", request.method(), request.uri()))
            }
        }
    }

    fn is_health(&self, path: &str) -> bool {
        path == "/health/live"
    }

    fn refuse(&self, _: Peer, _: &Parts, error: Error) -> Response<Bytes> {
        problem::response(&error, "test")
    }

    fn panicked(&self, _: &Method) -> Response<Bytes> {
        answer(StatusCode::INTERNAL_SERVER_ERROR, "panicked")
    }
}

fn answer(status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    Response::builder().status(status).body(body.into()).unwrap()
}

/// Limits that pass while one waits.
pub fn short() -> Limits {
    Limits {
        head: Duration::from_millis(400),
        body: Duration::from_millis(400),
        idle: Duration::from_millis(1500),
        write: Duration::from_millis(600),
        linger: Duration::from_secs(1),
        quiet: Duration::from_millis(300),
        ..Limits::default()
    }
}

/// A server of [`Fixture`] by two threads; it stops when dropped.
pub struct Running {
    pub address: SocketAddr,
    pub house: House,
    server: Option<Server>,
}

impl Running {
    pub fn new(limits: Limits) -> Self {
        Self::on(Ipv4Addr::LOCALHOST.into(), limits)
    }

    pub fn on(address: IpAddr, limits: Limits) -> Self {
        Self::within(address, limits, 1 << 30)
    }

    /// With `memory` bytes for requests.
    pub fn within(address: IpAddr, limits: Limits, memory: usize) -> Self {
        let bound = bind("BIND", address, 0, 2).unwrap();
        let house = House::new(&limits, memory, Proxies::default());
        let later = house.later.clone();
        let make = move || Fixture(later.clone());
        let server =
            Server::start("fixture", bound.listeners, limits, house.clone(), make).unwrap();
        Self { address: bound.address, house, server: Some(server) }
    }

    /// Drains within `grace`; whether nothing was dropped.
    pub fn drain(&mut self, quiet: bool, grace: Duration) -> bool {
        let server = self.server.take().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(server.drain(quiet, Instant::now() + grace))
    }
}
