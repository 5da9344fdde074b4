//! One connection, from its first byte to its last.

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::{Pin, pin},
    rc::Rc,
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

use super::{
    Limits, Service, request,
    socket::{Socket, speaks_http2},
    watch::{Drain, Overdue, Watch},
};

/// How connections are served; one for each thread.
pub struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<LocalExecutor>,
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
        let mut http2 = http2::Builder::new(LocalExecutor);
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_pending_accept_reset_streams(limits.resets)
            .max_local_error_reset_streams(limits.resets)
            // Between the two the answer is ours; h2's own to a larger list is bare.
            .max_header_list_size(2 * limits.header_bytes)
            // One stream may not fill the connection's window, nor a connection the memory.
            .initial_stream_window_size(256 << 10)
            .initial_connection_window_size(1 << 20)
            .keep_alive_interval(limits.idle / 4)
            .keep_alive_timeout(limits.head);
        Self { http1, http2 }
    }

    /// Serves the connection until it ends.
    pub async fn serve<S: Service>(
        &self,
        stream: TcpStream,
        peer: IpAddr,
        service: Rc<S>,
        limits: Limits,
        drain: Rc<Drain>,
    ) {
        let watch = Rc::new(Watch::new(limits, drain));
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
                async move {
                    let response = request::answer(&*service, &watch, peer, request).await;
                    drop(in_flight);
                    Ok::<_, Infallible>(response)
                }
            })
        };
        // How a connection ended is of no interest: its requests are logged, and clients that
        // vanish are many.
        if http2 {
            let connection = self.http2.serve_connection(socket, on_request);
            carry(&watch, connection, http2::Connection::graceful_shutdown).await;
        } else {
            let connection = self.http1.serve_connection(socket, on_request);
            carry(&watch, connection, http1::Connection::graceful_shutdown).await;
        }
    }
}

async fn carry<C: Future>(watch: &Watch, connection: C, end: impl Fn(Pin<&mut C>)) {
    let mut connection = pin!(connection);
    while let Err(Overdue::End) = watch.guard(connection.as_mut()).await {
        end(connection.as_mut());
    }
}

/// Runs the streams of HTTP/2 on the thread of their connection.
#[derive(Clone, Copy)]
struct LocalExecutor;

impl<F: Future + 'static> Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async {
            future.await;
        });
    }
}
