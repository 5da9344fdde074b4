//! Opening a session, on one of the hosts that are named.

use std::{error::Error as StdError, fmt, io, net::IpAddr, pin::pin, time::Duration};

use futures_util::future::{Either, select};
use rand::seq::SliceRandom as _;
use tokio::{net::lookup_host, time::timeout};
use tokio_postgres::{
    Client, Config, Error as PgError, SimpleQueryMessage,
    config::{Host, LoadBalanceHosts, SslMode, SslNegotiation, TargetSessionAttrs},
    error::SqlState,
};
use trireme_core::postgres::{
    explain,
    lent::{Lender, Lent, lend},
};

use super::{
    stream::{Begun, Stream, StreamError},
    target::Target,
};

/// Moves a session's bytes for its client.
pub type Mover = tokio_postgres::Connection<Lent<Stream>, Lent<Stream>>;

/// A session that has been opened. Its stream can be had back once the client has nothing more to
/// say: client and mover are dropped for that.
pub struct Session {
    pub client: Client,
    pub mover: Mover,
    pub stream: Lender<Stream>,
}

/// Why there is none.
#[derive(Debug)]
pub enum OpenError {
    Stream(StreamError),
    /// It came to speak to a server, or to what took itself for one.
    Server(PgError),
    /// It is not of the kind that is wanted (`target_session_attrs`).
    Unwanted(&'static str),
    /// It did not answer in time.
    Unanswered(Duration),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(StreamError::Socket(error)) => {
                write!(f, "error connecting to server: {error}")
            }
            Self::Stream(StreamError::Tls(error)) => {
                write!(f, "error performing TLS handshake: {error}")
            }
            Self::Server(error) => f.write_str(&explain(error)),
            Self::Unwanted(why) => f.write_str(why),
            Self::Unanswered(limit) => write!(f, "no answer within {limit:?}"),
        }
    }
}

impl From<StreamError> for OpenError {
    fn from(error: StreamError) -> Self {
        Self::Stream(error)
    }
}
impl From<PgError> for OpenError {
    fn from(error: PgError) -> Self {
        Self::Server(error)
    }
}

impl OpenError {
    /// Whether a connection with TLS instead of without, or the other way round, may succeed: no
    /// handshake came about, or the server lets nobody in like this.
    fn concerns_tls(&self) -> bool {
        match self {
            Self::Stream(StreamError::Tls(error)) => {
                error.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>)
            }
            Self::Server(error) => {
                error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
            }
            _ => false,
        }
    }
}

/// Tries the hosts one after the other, and each of their addresses.
pub async fn open(target: &Target) -> Result<Session, OpenError> {
    let mut last = OpenError::Unwanted("no host is named");
    for place in places(&target.config) {
        // One that hangs must not keep us from the next.
        match in_time(target, open_in_turn(target, place)).await {
            Ok(session) => return Ok(session),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What takes longer than a target allows has failed.
pub async fn in_time<T>(
    target: &Target,
    work: impl Future<Output = Result<T, OpenError>>,
) -> Result<T, OpenError> {
    let limit = target.connect_limit;
    timeout(limit, work).await.unwrap_or(Err(OpenError::Unanswered(limit)))
}

/// As the URL prefers it, and then as it would do with.
async fn open_in_turn(target: &Target, place: Place<'_>) -> Result<Session, OpenError> {
    match (open_at(target, target.config.get_ssl_mode(), place).await, target.otherwise) {
        (Err(error), Some(mode)) if error.concerns_tls() => open_at(target, mode, place).await,
        (opened, _) => opened,
    }
}

/// A host with its address, if that is named too, and its port.
type Place<'a> = (Option<&'a Host>, Option<IpAddr>, u16);

fn places(config: &Config) -> Vec<Place<'_>> {
    let (hosts, addresses, ports) =
        (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let port = |at| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
    let place = |at| (hosts.get(at), addresses.get(at).copied(), port(at));
    let mut places: Vec<_> = (0..hosts.len().max(addresses.len())).map(place).collect();
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        places.shuffle(&mut rand::rng());
    }
    places
}

async fn open_at(
    target: &Target,
    mode: SslMode,
    (host, address, port): Place<'_>,
) -> Result<Session, OpenError> {
    let Target { config, tls, .. } = target;
    let (name, mut addresses) = match (host, address) {
        (Some(Host::Unix(folder)), _) => {
            return sign_in(Stream::unix(folder, port, config).await?, config).await;
        }
        (Some(Host::Tcp(name)), None) => {
            let found = lookup_host((name.as_str(), port)).await.map_err(StreamError::Socket)?;
            (name.clone(), found.collect::<Vec<_>>())
        }
        (Some(Host::Tcp(name)), Some(address)) => (name.clone(), vec![(address, port).into()]),
        (None, address) => {
            let address = address.ok_or(OpenError::Unwanted("no host is named"))?;
            (address.to_string(), vec![(address, port).into()])
        }
    };
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        addresses.shuffle(&mut rand::rng());
    }
    let mut last = OpenError::Unwanted("the host has no address");
    for address in addresses {
        let opened = match Stream::tcp(address, &name, config, mode, tls).await {
            Ok(stream) => sign_in(stream, config).await,
            Err(error) => Err(error.into()),
        };
        match opened {
            Ok(session) => return Ok(session),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn sign_in(stream: Stream, config: &Config) -> Result<Session, OpenError> {
    let mut config = config.clone();
    // What TLS there shall be has begun: tokio-postgres is told not to see to it.
    config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
    let (stream, lent) = lend(stream);
    let (client, mover) = config.connect_raw(lent, Begun).await?;
    let mut session = Session { client, mover, stream };
    let wanted = config.get_target_session_attrs();
    if wanted != TargetSessionAttrs::Any {
        let sql = "SHOW transaction_read_only";
        let answers = session.ask(async |client| client.simple_query(sql).await).await?;
        let read_only = answers.iter().find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => row.get(0).map(|value| value == "on"),
            _ => None,
        });
        match (wanted, read_only) {
            (TargetSessionAttrs::ReadWrite, Some(true)) => {
                return Err(OpenError::Unwanted("the server does not allow writes"));
            }
            (TargetSessionAttrs::ReadOnly, Some(false)) => {
                return Err(OpenError::Unwanted("the server is not read only"));
            }
            _ => {}
        }
    }
    Ok(session)
}

impl Session {
    /// Waits for an answer, while nobody else moves the bytes.
    pub async fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&Client) -> Result<T, PgError>,
    ) -> Result<T, OpenError> {
        let asked = pin!(question(&self.client));
        match select(asked, &mut self.mover).await {
            Either::Left((answer, _)) => Ok(answer?),
            Either::Right((Err(error), _)) => Err(error.into()),
            Either::Right((Ok(()), _)) => Err(StreamError::Socket(closed()).into()),
        }
    }

    /// Ends the client, and has the stream back with nothing under way on it.
    pub fn end(self) -> Option<Stream> {
        self.stream.take_back()
    }
}

fn closed() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}
