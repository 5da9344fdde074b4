//! Opening one connection.

use std::{error::Error as StdError, fmt, io, time::Duration};

use deadpool_postgres::ClientWrapper;
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{
    Client, Config, Error as PgError, Socket, Statement, error::SqlState, tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;
use trireme_core::postgres;
pub use trireme_core::postgres::explain;

use super::{direct::is_direct, lanes::Opened, target::Target};

/// A connection outside the pool: migrations use one. Dropped, it is closed at once.
pub struct Connection(ClientWrapper);

/// Why no connection could be opened.
#[derive(Debug)]
pub struct ConnectError(pub String);

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for ConnectError {}

impl Connection {
    /// Opens one on the current runtime, which has to outlive it.
    pub async fn open(target: &Target) -> Result<Self, ConnectError> {
        let limit = target.connect_limit;
        let cause = match timeout(limit, dial(target)).await {
            Ok(Ok((client, task))) => return Ok(Self(ClientWrapper::new(client, task))),
            Ok(Err(error)) => explain(&error),
            Err(_) => format!("no answer within {limit:?}"),
        };
        Err(ConnectError(format!("{}: {cause}", target.place())))
    }
}

impl postgres::Connection for Connection {
    fn client(&self) -> &Client {
        &self.0
    }

    /// There may be a pooler before the server, and nothing is sent often enough to prepare it.
    async fn prepared(&self, _: &str) -> Result<Option<Statement>, PgError> {
        Ok(None)
    }
}

/// A connection for the pool.
pub struct Joined {
    pub opened: Opened,
    /// Nothing is between us and the server, and the limit of a statement is set.
    pub direct: bool,
}

/// Why there is none. The texts are for the log.
pub enum Refusal {
    /// The server, or a pooler before it, takes no more connections for now.
    Full(String),
    /// It did not answer in time.
    Unanswered(String),
    Failed(String),
}

impl Refusal {
    pub fn cause(self) -> String {
        match self {
            Self::Full(cause) | Self::Unanswered(cause) | Self::Failed(cause) => cause,
        }
    }
}

/// What poolers say, which have no code of their own for it.
const FULL: [&str; 4] =
    ["too many connections", "no more connections", "max client", "maxclientsinsessionmode"];

/// Opens a connection for the pool on the current runtime, each of whose statements may run for
/// `statement_timeout`.
pub async fn join(target: &Target, statement_timeout: Duration) -> Result<Joined, Refusal> {
    let join = async {
        let opened = dial(target).await?;
        let direct = is_direct(&opened.0, Some(statement_timeout)).await?;
        Ok::<_, PgError>(Joined { opened, direct })
    };
    let place = target.place();
    let Ok(joined) = timeout(target.connect_limit, join).await else {
        let limit = target.connect_limit;
        return Err(Refusal::Unanswered(format!("{place}: no answer within {limit:?}")));
    };
    joined.map_err(|error| {
        let cause = format!("{place}: {}", explain(&error));
        let is_full = error.as_db_error().is_some_and(|server| {
            let words = server.message().to_lowercase();
            *server.code() == SqlState::TOO_MANY_CONNECTIONS
                || FULL.iter().any(|sign| words.contains(sign))
        });
        if is_full { Refusal::Full(cause) } else { Refusal::Failed(cause) }
    })
}

type Dialled =
    tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Connects, and moves the connection's bytes on the current runtime.
async fn dial(target: &Target) -> Result<Opened, PgError> {
    let (client, connection) = match (connect(target, &target.config).await, target.otherwise) {
        (Err(error), Some(mode)) if concerns_tls(&error) => {
            let mut config = target.config.clone();
            connect(target, config.ssl_mode(mode)).await?
        }
        (connected, _) => connected?,
    };
    let place = target.place();
    let task: JoinHandle<()> = tokio::spawn(async move {
        if let Err(error) = connection.await {
            let error = explain(&error);
            tracing::warn!(place, error, "a connection to the database broke");
        }
    });
    Ok((client, task))
}

async fn connect(target: &Target, config: &Config) -> Result<(Client, Dialled), PgError> {
    config.connect(target.tls.clone()).await
}

/// Whether a connection with TLS instead of without, or the other way round, may succeed: no
/// handshake came about, or the server lets nobody in like this.
fn concerns_tls(error: &PgError) -> bool {
    if let Some(code) = error.code() {
        return *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION;
    }
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause
        .and_then(io::Error::get_ref)
        .is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>)
}
