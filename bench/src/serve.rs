use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::runtime;
use tokio::task::{LocalSet, spawn_local};

use crate::postgres::Pool;
use crate::respond::{Database, respond};
use crate::sqlite::Sqlite;

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

/// How a thread gets at its database.
#[derive(Clone)]
pub struct Access {
    pub url: Option<String>,
    pub connections: usize,
    pub prepare: bool,
}

/// Accepts for ever on this thread.
pub fn run(listener: TcpListener, access: &Access) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let database = Rc::new(access.open().await?);
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let database = Rc::clone(&database);
            spawn_local(async move {
                let service = service_fn(async |request| {
                    Ok::<_, Infallible>(respond(&database, request).await)
                });
                // A client that goes away is no concern of a benchmark.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

impl Access {
    async fn open(&self) -> io::Result<Database> {
        let Some(url) = &self.url else { return Ok(Database::None) };
        if let Some(file) = url.strip_prefix("sqlite://") {
            return Sqlite::open(file).map(Database::Sqlite).map_err(io::Error::other);
        }
        let pool = Pool::open(url, self.connections, self.prepare).await;
        pool.map(Database::Postgres).map_err(io::Error::other)
    }
}
