//! The bytes' way to a PostgreSQL server: a socket of the platform's, or Hyperdrive's.

use std::io;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_postgres::{
    Config, NoTls,
    config::{ChannelBinding, Host, SslMode},
};
use trireme_core::{
    config::{PostgresUrl, postgres_url::UrlFault},
    postgres::{
        self, explain,
        lent::lend,
        sign_in::{Cache, SignedIn, sign_in},
    },
};
use worker::{Env, SecureTransport, Socket};

use super::APPLICATION_NAME;
use crate::platform::random;

/// A connection that is signed in on.
pub type Wire = postgres::Wire<SignedIn<Socket>>;

/// Whom to connect to.
pub enum Target {
    /// The server itself, or a pooler before it.
    Direct { config: Config, host: String, port: u16 },
    /// The platform's pooler; it has the credentials.
    Hyperdrive { binding: String },
}

impl Target {
    /// TLS is the platform's, which verifies a certificate by the public authorities and the host's
    /// name, whatever `sslmode` would be content with.
    pub fn new(url: &PostgresUrl) -> Result<Self, UrlFault> {
        let config =
            postgres::config(url, APPLICATION_NAME).map_err(|error| UrlFault(explain(&error)))?;
        if config.get_channel_binding() == ChannelBinding::Require {
            return Err(UrlFault(
                "`channel_binding` can't be require here, where sockets tell nothing to bind to; \
                 leave it out"
                    .into(),
            ));
        }
        if config.get_hosts().len().max(config.get_hostaddrs().len()) > 1 {
            return Err(UrlFault(
                "several hosts are named, and one is all that is tried here".into(),
            ));
        }
        let host = match (config.get_hosts(), config.get_hostaddrs()) {
            ([Host::Tcp(name), ..], _) => name.clone(),
            (_, [address, ..]) => address.to_string(),
            _ => return Err(UrlFault("no host is named".into())),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        Ok(Self::Direct { config, host, port })
    }

    /// Opens a connection.
    pub async fn dial(&self, env: &Env, cache: &Cache) -> Result<Wire, String> {
        let (mut config, socket) = match self {
            Self::Direct { config, host, port } => {
                let transport = match config.get_ssl_mode() {
                    SslMode::Disable => SecureTransport::Off,
                    _ => SecureTransport::StartTls,
                };
                let socket = Socket::builder().secure_transport(transport).connect(host, *port);
                (config.clone(), socket)
            }
            Self::Hyperdrive { binding } => {
                let hyperdrive = env.hyperdrive(binding).map_err(|error| error.to_string())?;
                let mut config = Config::new();
                config.user(hyperdrive.user());
                config.password(hyperdrive.password());
                config.dbname(hyperdrive.database());
                // It never leaves the platform; TLS to the server is Hyperdrive's part.
                config.ssl_mode(SslMode::Disable);
                (config, hyperdrive.connect())
            }
        };
        let socket = socket.map_err(|error| error.to_string())?;
        let broken = |error: io::Error| error.to_string();
        let socket = secure(socket, config.get_ssl_mode()).await.map_err(broken)?;
        let session = sign_in(socket, &config, cache, random()).await.map_err(broken)?;
        config.ssl_mode(SslMode::Disable);
        let (session, lent) = lend(session);
        let opened = config.connect_raw(lent, NoTls).await.map_err(|error| explain(&error))?;
        // It has done its part: client and mover of bytes are not needed.
        drop(opened);
        session.take_back().map(Wire::new).ok_or_else(|| "the connection is closed".to_owned())
    }
}

/// TLS as PostgreSQL starts it: asked for in the clear, and begun when the server agrees.
async fn secure(mut socket: Socket, mode: SslMode) -> io::Result<Socket> {
    if mode == SslMode::Disable {
        return Ok(socket);
    }
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    socket.write_all(&request).await?;
    match (socket.read_u8().await?, mode) {
        (b'S', _) => Ok(socket.start_tls()),
        (_, SslMode::Prefer) => Ok(socket),
        _ => Err(io::Error::other("the server does not support TLS")),
    }
}
