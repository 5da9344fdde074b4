//! HTTP/1.1 and HTTP/2 over TCP: one thread a core, each with its own listener, its own
//! single-threaded runtime and its own connections. What is served is behind [`Service`].

mod admin;
mod answer;
mod api;
mod body;
mod connection;
mod framing;
mod guests;
mod limits;
mod listen;
mod pace;
mod request;
mod socket;
mod watch;
mod worker;

use std::{
    io,
    net::TcpListener,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Method, Request, Response, request::Parts};
use tokio::{
    sync::{mpsc, watch as channel},
    time::{sleep, timeout_at},
};
use trireme_core::{Error, config::Proxies, host::Peer};

pub use self::{
    admin::Admin,
    api::Api,
    body::Upload,
    guests::{EXTRAS, Guests},
    limits::{HEADER_COUNT, Limits},
    listen::{Bound, bind},
};

use crate::{budget::Budget, later::Later};

/// What is served. Each thread makes its own.
pub trait Service: 'static {
    async fn respond(&self, peer: Peer, request: Request<Upload>) -> Response<Bytes>;
    /// Whether a path is asked by health probes, which are answered while any limit is reached.
    fn is_health(&self, path: &str) -> bool;
    /// Answers a request that is not let through.
    fn refuse(&self, peer: Peer, head: &Parts, error: Error) -> Response<Bytes>;
    /// Answers in place of [`Service::respond`] when that has panicked.
    fn panicked(&self, method: &Method) -> Response<Bytes>;
}

/// How far the threads are told to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Serve,
    /// Serve on, and send clients away.
    Drain,
    /// Take what waits to be accepted, and no more.
    Close,
    /// Drop everything.
    Stop,
}

/// What all threads share.
#[derive(Clone)]
pub struct House {
    pub budget: Arc<Budget>,
    pub guests: Arc<Guests>,
    /// What a drain waits for besides connections.
    pub later: Later,
}

impl House {
    /// `memory` in bytes; see [`Budget`]. Connections of `exempt` addresses are limited in all alone.
    pub fn new(limits: &Limits, memory: usize, exempt: Proxies) -> Self {
        Self {
            budget: Budget::new(memory),
            guests: Guests::new(limits, exempt),
            later: Later::default(),
        }
    }
}

/// Running threads.
pub struct Server {
    orders: channel::Sender<Order>,
    house: House,
    /// Closes when no thread has a listener or a connection any more.
    finished: mpsc::Receiver<()>,
    threads: Vec<JoinHandle<()>>,
    quiet: Duration,
}

impl Server {
    /// Serves on `listeners`, each by a thread of its own, which calls `make` inside its
    /// runtime.
    pub fn start<S: Service>(
        name: &str,
        listeners: Vec<TcpListener>,
        limits: Limits,
        house: House,
        make: impl Fn() -> S + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let (orders, order) = channel::channel(Order::Serve);
        let (unfinished, finished) = mpsc::channel(1);
        let threads = listeners
            .into_iter()
            .map(|listener| {
                let seat = worker::Seat {
                    listener,
                    limits,
                    house: house.clone(),
                    order: order.clone(),
                    unfinished: unfinished.clone(),
                };
                let make = make.clone();
                thread::Builder::new().name(name.to_owned()).spawn(move || worker::work(seat, make))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { orders, house, finished, threads, quiet: limits.quiet })
    }

    /// Ends without losing a request: for `quiet` everything is served on, while answers tell
    /// clients to come back elsewhere; then the listeners close, and what is in flight ends.
    /// At `deadline` whatever is left is dropped. Whether nothing was.
    pub async fn drain(mut self, quiet: bool, deadline: Instant) -> bool {
        self.orders.send_replace(Order::Drain);
        if quiet {
            sleep(self.quiet.min(deadline.saturating_duration_since(Instant::now()) / 2)).await;
        }
        self.orders.send_replace(Order::Close);
        let complete = timeout_at(deadline.into(), self.finished.recv()).await.is_ok();
        let connections = self.house.guests.figures().open;
        let later = self.house.later.under_way();
        self.stop().await;
        if !complete {
            tracing::warn!(connections, later, "the drain took too long: dropped what was left");
        }
        complete
    }

    /// Drops everything. A runtime must outlive the requests of all threads, since they share
    /// connections to the database; hence all end together, here.
    async fn stop(self) {
        self.orders.send_replace(Order::Stop);
        // A thread that is stuck is left to the end of the process.
        for _ in 0..100 {
            if self.threads.iter().all(JoinHandle::is_finished) {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
}
