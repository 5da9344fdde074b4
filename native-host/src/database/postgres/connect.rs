//! Opening one connection, and finding out what is at its other end.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed},
    time::Instant,
};

use shared::postgres;
use tokio::{
    runtime::{self, Handle},
    task::AbortHandle,
    time::timeout,
};
use tokio_postgres::{Client, Error as PgError, Statement};

use super::{direct::is_direct, target::Target};
use crate::database::stats::Meter;

/// Texts that one connection keeps prepared; lists have a text for each choice of filters.
const PREPARED_AT_MOST: usize = 512;

/// One connection to the server or to a pooler before it. Dropped, it says goodbye and closes
/// once everything that was sent is answered.
pub struct Connection {
    client: Client,
    /// By their text; `None` behind a pooler.
    prepared: Option<Mutex<HashMap<Box<str>, Statement>>>,
    /// The runtime that moves its bytes: waking another one costs more than the query.
    pub home: runtime::Id,
    pub born: Instant,
    pub used: Instant,
    task: AbortHandle,
    _slot: Slot,
}

/// Counts a connection as open, from before it is until after it was.
pub struct Slot(Arc<Meter>);

impl Slot {
    pub fn new(meter: &Arc<Meter>) -> Self {
        meter.open.fetch_add(1, Relaxed);
        Self(Arc::clone(meter))
    }

    /// For a connection outside every pool.
    pub fn uncounted() -> Self {
        Self::new(&Arc::default())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
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
    pub async fn open(target: &Target, slot: Slot) -> Result<Self, ConnectError> {
        let limit = target.connect_limit;
        let meter = Arc::clone(&slot.0);
        let opened = match timeout(limit, Self::try_open(target, slot)).await {
            Ok(opened) => opened.map_err(|error| explain(&error)),
            Err(_) => Err(format!("no answer within {limit:?}")),
        };
        let count = if opened.is_ok() { &meter.opened } else { &meter.refused };
        count.fetch_add(1, Relaxed);
        opened.map_err(|cause| ConnectError(format!("{}: {cause}", target.place())))
    }

    async fn try_open(target: &Target, slot: Slot) -> Result<Self, PgError> {
        let (client, connection) = target.config.connect(target.tls.clone()).await?;
        let place = target.place();
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(
                    place,
                    error = explain(&error),
                    "a connection to the database broke"
                );
            }
        });
        let now = Instant::now();
        let mut opened = Self {
            client,
            prepared: None,
            home: Handle::current().id(),
            born: now,
            used: now,
            task: task.abort_handle(),
            _slot: slot,
        };
        if is_direct(&opened.client).await? {
            opened.prepared = Some(Mutex::default());
        }
        Ok(opened)
    }

    /// Whether the server itself is at the other end, and not a pooler.
    pub fn is_direct(&self) -> bool {
        self.prepared.is_some()
    }

    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Waits until everything that was sent has been answered.
    pub async fn check(&self) -> Result<(), PgError> {
        self.client.check_connection().await
    }

    /// Closes at once, whatever is under way.
    pub fn abort(self) {
        self.task.abort();
    }
}

impl postgres::Connection for Connection {
    fn client(&self) -> &Client {
        &self.client
    }

    async fn prepared(&self, text: &str) -> Result<Option<Statement>, PgError> {
        let Some(prepared) = &self.prepared else { return Ok(None) };
        let known = prepared.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let statement = self.client.prepare(text).await?;
        let mut prepared = prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if prepared.len() >= PREPARED_AT_MOST {
            prepared.clear();
        }
        prepared.insert(text.into(), statement.clone());
        Ok(Some(statement))
    }
}

/// An error of tokio-postgres with its cause, and the server's words with their code.
pub fn explain(error: &PgError) -> String {
    if let Some(server) = error.as_db_error() {
        return format!("{} {}", server.code().code(), server.message());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
