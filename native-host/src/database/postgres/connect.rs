//! Connections as they are wanted: for the pool, and for commands.

use std::{fmt, time::Duration};

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error as PgError, error::SqlState};
use trireme_core::postgres::Wire;
pub use trireme_core::postgres::explain;

use super::{
    direct::is_direct,
    open::{OpenError, Session, in_time, open},
    stream::Stream,
    target::Target,
};

/// A connection outside the pool: migrations use one. Dropped, it is closed at once.
pub struct Connection {
    client: Client,
    /// Who introduced itself.
    process: Option<u32>,
    mover: JoinHandle<()>,
}

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
        match open(target).await {
            Ok(session) => Ok(Self::of(session, target.place())),
            Err(error) => Err(ConnectError(format!("{}: {error}", target.place()))),
        }
    }

    fn of(session: Session, place: String) -> Self {
        let Session { client, mover, stream } = session;
        let process = stream.process();
        let mover = tokio::spawn(async move {
            if let Err(error) = mover.await {
                let error = explain(&error);
                tracing::warn!(place, error, "a connection to the database broke");
            }
        });
        Self { client, process, mover }
    }

    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Whether nothing that pools connections is between us and the server.
    pub async fn is_direct(&self) -> Result<bool, PgError> {
        is_direct(&self.client, self.process, None).await
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.mover.abort();
    }
}

/// A connection for the pool.
pub struct Joined {
    pub wire: Wire<Stream>,
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
        let mut session = open(target).await?;
        let (process, limit) = (session.stream.process(), Some(statement_timeout));
        let direct = session.ask(async |client| is_direct(client, process, limit).await);
        let direct = in_time(target, direct).await?;
        Ok::<_, OpenError>((session.end(), direct))
    };
    let place = target.place();
    let error = match join.await {
        Ok((Some(stream), direct)) => return Ok(Joined { wire: Wire::new(stream), direct }),
        Ok((None, _)) => return Err(Refusal::Failed(format!("{place}: the connection is closed"))),
        Err(error) => error,
    };
    let cause = format!("{place}: {error}");
    Err(match error {
        OpenError::Unanswered(_) => Refusal::Unanswered(cause),
        OpenError::Server(error) if is_full(&error) => Refusal::Full(cause),
        _ => Refusal::Failed(cause),
    })
}

fn is_full(error: &PgError) -> bool {
    error.as_db_error().is_some_and(|server| {
        let words = server.message().to_lowercase();
        *server.code() == SqlState::TOO_MANY_CONNECTIONS
            || FULL.iter().any(|sign| words.contains(sign))
    })
}
