//! The bytes' way to a server.

use std::{
    future::{Ready, ready},
    io,
    net::SocketAddr,
    path::Path,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_postgres::{
    Config,
    config::{SslMode, SslNegotiation},
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_postgres_rustls::MakeRustlsConnect;
use trireme_core::postgres::lent::Lent;

type Encrypted = <MakeRustlsConnect as MakeTlsConnect<TcpStream>>::Stream;

/// A way that is open, with TLS where there shall be TLS.
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<Encrypted>),
}

/// Why there is none.
#[derive(Debug)]
pub enum StreamError {
    Socket(io::Error),
    Tls(io::Error),
}

impl Stream {
    pub async fn unix(folder: &Path, port: u16, config: &Config) -> Result<Self, StreamError> {
        let connecting = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}")));
        in_time(config, connecting).await.map(Self::Unix).map_err(StreamError::Socket)
    }

    /// `name` is what the certificate is for.
    pub async fn tcp(
        address: SocketAddr,
        name: &str,
        config: &Config,
        mode: SslMode,
        tls: &MakeRustlsConnect,
    ) -> Result<Self, StreamError> {
        let connected = in_time(config, TcpStream::connect(address)).await;
        let mut socket = connected
            .and_then(|socket| watch(&socket, config).map(|()| socket))
            .map_err(StreamError::Socket)?;
        let negotiation = config.get_ssl_negotiation();
        if !agrees(&mut socket, mode, negotiation).await.map_err(StreamError::Tls)? {
            return Ok(Self::Tcp(socket));
        }
        let Ok(tls) = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls.clone(), name);
        let stream = tls.connect(socket).await.map_err(StreamError::Tls)?;
        Ok(Self::Tls(Box::new(stream)))
    }
}

async fn in_time<T>(
    config: &Config,
    connecting: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let limit = config.get_connect_timeout().copied().unwrap_or(Duration::MAX);
    timeout(limit, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Sees to it that the other end's silence is noticed.
fn watch(socket: &TcpStream, config: &Config) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let socket = SockRef::from(socket);
    #[cfg(target_os = "linux")]
    if let Some(limit) = config.get_tcp_user_timeout() {
        socket.set_tcp_user_timeout(Some(*limit))?;
    }
    if !config.get_keepalives() {
        return Ok(());
    }
    let mut keepalive = TcpKeepalive::new().with_time(config.get_keepalives_idle());
    if let Some(interval) = config.get_keepalives_interval() {
        keepalive = keepalive.with_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        keepalive = keepalive.with_retries(retries);
    }
    socket.set_tcp_keepalive(&keepalive)
}

/// Whether TLS comes next: asked for in the clear, and begun when the server agrees.
async fn agrees(
    socket: &mut TcpStream,
    mode: SslMode,
    negotiation: SslNegotiation,
) -> io::Result<bool> {
    if mode == SslMode::Disable || negotiation == SslNegotiation::Direct {
        return Ok(mode != SslMode::Disable);
    }
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    socket.write_all(&request).await?;
    match (socket.read_u8().await?, mode) {
        (b'S', _) => Ok(true),
        (_, SslMode::Prefer) => Ok(false),
        _ => Err(io::Error::other("the server does not support TLS")),
    }
}

/// For tokio-postgres, which would begin TLS itself.
pub struct Begun;

impl TlsConnect<Lent<Stream>> for Begun {
    type Stream = Lent<Stream>;
    type Error = io::Error;
    type Future = Ready<io::Result<Lent<Stream>>>;

    fn connect(self, stream: Lent<Stream>) -> Self::Future {
        ready(Ok(stream))
    }
}

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        match self {
            Self::Tls(stream) => stream.channel_binding(),
            Self::Tcp(_) | Self::Unix(_) => ChannelBinding::none(),
        }
    }
}

macro_rules! each {
    ($stream:expr => $method:ident($($argument:expr),*)) => {
        match $stream.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).$method($($argument),*),
            Stream::Unix(stream) => Pin::new(stream).$method($($argument),*),
            Stream::Tls(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self => poll_read(cx, out))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self => poll_write(cx, bytes))
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self => poll_flush(cx))
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self => poll_shutdown(cx))
    }
}
