//! One connection, from its first byte to its last.

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use http::Request;
use hyper::{
    body::Incoming,
    rt::Executor,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use trireme_core::host::Peer;

use super::{
    Limits, Service,
    answer::Answer,
    guests::Guest,
    pace, request,
    socket::{Socket, speaks_http2},
    watch::{Overdue, Watch},
    worker::Reception,
};
use crate::budget::Budget;

/// What a connection of HTTP/2 may send of bodies that nobody has asked for yet, in bytes.
const WINDOW: u32 = 64 << 10;

/// How connections are served; one for each thread.
pub struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<Streams>,
}

impl Protocols {
    pub fn new(limits: &Limits) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            // Deadlines are kept by `Watch`, which can tell an idle client from a slow one.
            .header_read_timeout(None)
            // A client may close its side once its request is sent, and still be answered. It
            // also means that a request which has begun is carried to its end.
            .half_close(true)
            // `Framing` refuses a larger head before hyper could.
            .max_buf_size(2 * limits.header_bytes as usize);
        let mut http2 = http2::Builder::new(Streams { patience: limits.write });
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_pending_accept_reset_streams(limits.resets)
            .max_local_error_reset_streams(limits.resets)
            // Between the two the answer is ours; h2's own to a larger list is bare.
            .max_header_list_size(2 * limits.header_bytes)
            // What h2 holds of bodies that nobody has asked for yet, and of answers.
            .initial_stream_window_size(WINDOW / 2)
            .initial_connection_window_size(WINDOW)
            .max_send_buf_size(pace::STEP)
            .keep_alive_interval(limits.idle / 4)
            .keep_alive_timeout(limits.head);
        Self { http1, http2 }
    }

    /// Serves the connection until it ends.
    pub async fn serve<S: Service>(
        &self,
        stream: TcpStream,
        peer: IpAddr,
        reception: &Reception<S>,
        guest: Arc<Guest>,
    ) {
        let Reception { service, house, limits, drain, .. } = reception;
        let peer = Peer::at(peer);
        let serve = |pace| {
            let share = house.budget.share(Instant::now());
            let watch = Rc::new(Watch::new(*limits, Rc::clone(drain), guest, pace, share));
            self.serve_at(stream, peer, Rc::clone(service), Arc::clone(&house.budget), watch)
        };
        // In HTTP/2 each stream has a pace of its own.
        pace::keep(limits.write, serve).await;
    }

    async fn serve_at<S: Service>(
        &self,
        stream: TcpStream,
        peer: Peer,
        service: Rc<S>,
        budget: Arc<Budget>,
        watch: Rc<Watch>,
    ) {
        let Ok(Ok((http2, first))) = watch.guard(speaks_http2(&stream)).await else { return };
        if http2 {
            watch.set_http2();
        }
        let socket = TokioIo::new(Socket::new(stream, first, Rc::clone(&watch)));
        let on_request = {
            let watch = Rc::clone(&watch);
            service_fn(move |request: Request<Incoming>| {
                let in_flight = watch.request();
                let (service, watch) = (Rc::clone(&service), Rc::clone(&watch));
                let share = budget.share(watch.now());
                async move {
                    let response = request::answer(&*service, &watch, peer, request, &share).await;
                    let in_flight = Some(in_flight).filter(|_| watch.is_http2());
                    let answer = |body| Answer::new(body, share, in_flight, watch.now());
                    Ok::<_, Infallible>(response.map(answer))
                }
            })
        };
        // How a connection ended is of no interest: its requests are logged, and clients that
        // vanish are many.
        if http2 {
            // Boxed, so that a connection of HTTP/1 does not have its size.
            let mut connection = Box::pin(self.http2.serve_connection(socket, on_request));
            while let Err(Overdue::End) = watch.guard(connection.as_mut()).await {
                connection.as_mut().graceful_shutdown();
            }
            return;
        }
        let (mut socket, mut on_request) = (socket, on_request);
        loop {
            let mut connection = self.http1.serve_connection(socket, on_request);
            let overdue = loop {
                let overdue = watch.guard(&mut connection).await;
                let Err(Overdue::End) = overdue else { break overdue };
                Pin::new(&mut connection).graceful_shutdown();
            };
            let Err(Overdue::Rest) = overdue else { return };
            // hyper has two buffers for each connection, and room for the future of a request:
            // more than all else that an idle one costs. Between two requests it holds nothing.
            let parts = connection.into_parts();
            (socket, on_request) = (parts.io, parts.service);
            let Ok(Ok(())) = watch.rest(socket.inner().readable()).await else { return };
        }
    }
}

/// Runs the streams of HTTP/2 on the thread of their connection.
#[derive(Clone, Copy)]
struct Streams {
    /// How long one may make no progress with its answer. hyper waits for ever; but a stream that
    /// is dropped is reset.
    patience: Duration,
}

impl<F: Future + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let patience = self.patience;
        tokio::task::spawn_local(async move {
            pace::keep(patience, |_| stream).await;
        });
    }
}
