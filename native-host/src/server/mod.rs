//! HTTP/1.1 and HTTP/2 over TCP: one thread a core, each with its own listener, its own
//! single-threaded runtime and its own connections. What is served is behind [`Service`].

mod admin;
mod api;
mod body;
mod connection;
mod framing;
mod limits;
mod listen;
mod request;
mod socket;
mod watch;
mod worker;

use std::{
    io,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Method, Request, Response, request::Parts};
use shared::Error;
use tokio::{
    sync::{mpsc, watch as channel},
    time::{sleep, timeout_at},
};

pub use self::{
    admin::Admin,
    api::Api,
    body::Upload,
    limits::{HEADER_COUNT, Limits},
    listen::{Bound, bind},
};

/// What is served. Each thread makes its own.
pub trait Service: 'static {
    async fn respond(&self, request: Request<Upload>) -> Response<Bytes>;
    /// Answers a request that is not let through.
    fn refuse(&self, head: &Parts, error: Error) -> Response<Bytes>;
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

/// Running threads.
pub struct Server {
    orders: channel::Sender<Order>,
    connections: Arc<AtomicUsize>,
    /// Closes when no thread has a listener or a connection any more.
    finished: mpsc::Receiver<()>,
    threads: Vec<JoinHandle<()>>,
    quiet: Duration,
}

impl Server {
    /// Serves on `listeners`, each by a thread of its own, which calls `make` inside its
    /// runtime. `connections` is kept at the number of open ones.
    pub fn start<S: Service>(
        name: &str,
        listeners: Vec<TcpListener>,
        limits: Limits,
        connections: Arc<AtomicUsize>,
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
                    connections: Arc::clone(&connections),
                    order: order.clone(),
                    unfinished: unfinished.clone(),
                };
                let make = make.clone();
                thread::Builder::new().name(name.to_owned()).spawn(move || worker::work(seat, make))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { orders, connections, finished, threads, quiet: limits.quiet })
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
        let left = self.connections.load(Ordering::Relaxed);
        self.stop().await;
        if !complete {
            tracing::warn!(connections = left, "the drain took too long: dropped what was left");
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
