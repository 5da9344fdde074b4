use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::runtime;
use tokio::task::{LocalSet, spawn_local};

use crate::read;
use crate::respond::respond;

/// One of several listeners on the same address; the kernel spreads connections over them.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}

/// Accepts for ever on this thread, with `connections` to the database if there is one.
pub fn run(listener: TcpListener, database: Option<&str>, connections: usize) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let pool = database
            .map(|url| read::pool(url, connections))
            .transpose()
            .map_err(io::Error::other)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let pool = pool.clone();
            spawn_local(async move {
                let service = service_fn(async |request| {
                    Ok::<_, Infallible>(respond(pool.as_ref(), &request).await)
                });
                // A client that goes away is no concern of a benchmark.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}
