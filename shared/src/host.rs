//! The adapter traits: all that a runtime has to offer for Trireme to run on it.
//!
//! They are generic and without `Send`: an edge host is single-threaded, and the native host
//! runs one current-thread runtime a core. A host holds no rule of the product.

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Timestamp,
    http::call::{Call, FetchError},
    mail::{Message, Refusal, Smtp},
    migrations::Schema,
    sql::{DatabaseError, Row, Statement},
};

/// The runtime a request arrived on.
pub trait Host: 'static {
    type Database: Database;

    fn kind(&self) -> HostKind;

    fn database(&self) -> &Self::Database;

    fn now(&self) -> Timestamp;

    /// Fills `out` from a cryptographically secure source.
    fn random(&self, out: &mut [u8]);

    /// Resolves after `duration`; a request's deadline is measured with it.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;

    /// Runs `work`, hundreds of milliseconds of pure computation, off the request's thread
    /// where the host has others, in a bounded queue. [`Busy`] when that queue is full.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy>;

    /// Lets whatever else is ready go first. Computation that may take more than a millisecond on
    /// the request's thread is done in pieces with a pause between them. A host whose requests
    /// don't share a thread need not do anything.
    async fn pause(&self) {}

    /// Makes one outbound call, within its bounds. A redirect is an answer like any other: nothing
    /// is called that `call` does not name. No cookie is kept.
    async fn fetch(&self, call: Call) -> Result<Response<Bytes>, FetchError>;

    /// Work that the answer does not wait for, for [`LATER`] at most. It may begin before the answer
    /// is given, and it may never be done: too much of it is under way, or the process dies. So
    /// what matters is in the database before, and maintenance finds it there.
    fn later(&self, work: impl AsyncFnOnce(&Self) + 'static);

    /// Hands a message to a server of mail. Only a host with sockets can, and only there the
    /// configuration lets one be named.
    async fn smtp(&self, server: &Smtp, message: &Message) -> Result<(), Refusal> {
        let _ = (server, message);
        Err(Refusal::Away("this host does not speak SMTP".to_owned()))
    }

    /// Where the host stands in its own life; readiness is answered from it.
    fn phase(&self) -> Phase {
        Phase::Serving
    }
}

/// How long what [`Host::later`] began may take: what Workers give it.
pub const LATER: Duration = Duration::from_secs(30);

/// A way to the database; pooled, or opened at the first statement.
pub trait Database {
    type Row: Row;

    fn backend(&self) -> Backend;

    /// How many of the schema's migrations are applied, as one number.
    fn applied(&self, schema: Schema) -> Statement<'static> {
        schema.applied()
    }

    /// Runs `statements` in order, all or nothing, and gives each one's rows.
    ///
    /// Under [`Scope::User`] the same transaction first proves that the account and the
    /// session are alive; otherwise nothing happens and the error is
    /// [`DatabaseError::SessionEnded`]. When every statement only reads, a host may use a
    /// snapshot instead of a transaction that can write.
    async fn batch(
        &self,
        scope: Scope,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<Self::Row>>, DatabaseError>;
}

/// On whose behalf a batch runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The service itself: signing in, health, limits.
    Service,
    /// One user; on PostgreSQL row-level security sees to it as well. Without a session only
    /// the account has to be alive (`AUTH_REQUIRED=false`).
    User { user: Uuid, session: Option<Uuid> },
}

/// A request's body that has not been read yet.
pub trait Body {
    /// Reads the body to its end, at most `limit` bytes of it.
    async fn read(self, limit: usize) -> Result<Bytes, BodyError>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// More than the limit; the rest was not read.
    TooLarge,
    /// The client sent it too slowly.
    TimedOut,
    /// The client went away, or broke the framing.
    Aborted,
    /// The host has no memory for it at the moment.
    NoRoom,
}

impl Body for Bytes {
    async fn read(self, limit: usize) -> Result<Bytes, BodyError> {
        if self.len() > limit { Err(BodyError::TooLarge) } else { Ok(self) }
    }
}

/// What a host knows about the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The address that the connection came from, or that the platform vouches for.
    pub address: IpAddr,
    /// The platform vouches for `address` and for `https`: no proxy's header is consulted.
    pub trusted_platform: bool,
    /// The client's own connection is encrypted, as far as the platform says.
    pub https: bool,
}

impl Peer {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self::at(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    /// Whoever is connected from `address`, which is all that is known.
    pub const fn at(address: IpAddr) -> Self {
        Self { address, trusted_platform: false, https: false }
    }
}

/// The queue of expensive work is full; try again in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// Where the service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HostKind {
    Native,
    Workers,
    Spin,
}

/// The kind of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    Postgres,
    Sqlite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Starting,
    Serving,
    Draining,
}
