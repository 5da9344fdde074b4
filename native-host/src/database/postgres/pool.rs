//! deadpool-postgres with what a server needs around it: a least number of connections, one
//! time limit for waiting and opening together, and care for what was abandoned half way.
//!
//! A connection lives on the runtime that opened it, and to use it from another costs the
//! waking of two threads: twice the time of a batch on a network without delay. So each
//! runtime has a lane, a pool of what it opened; whoever finds nothing idle in their own is
//! given another's before anything is opened. [`Bounds`] hold for all lanes together.

use std::{
    ops::Deref,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use deadpool_postgres::{ClientWrapper, Object};
use shared::{postgres, sql::DatabaseError};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::yield_now,
    time::{sleep, timeout, timeout_at},
};
use tokio_postgres::{Client, Error as PgError, Statement};

pub use super::lanes::Bounds;
use super::{lanes::Lanes, target::Target};
use crate::{
    budget,
    database::stats::{Counted, Meter, Stats},
};

/// How often the least number of connections is seen to.
const ROUND: Duration = Duration::from_secs(1);

/// Between two connections that one runtime opens, while others open theirs.
const TURN: Duration = Duration::from_millis(5);

/// Texts that one connection keeps prepared; lists have a text for each choice of filters.
const PREPARED_AT_MOST: usize = 512;

/// Cheap to clone; all clones are the same pool.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    lanes: Lanes,
    /// One for each connection that is in use or being opened. Fair: who came first is first.
    permits: Arc<Semaphore>,
    /// A connection is being opened for whoever comes next.
    waking: AtomicBool,
}

impl Pool {
    pub fn new(target: Target, bounds: Bounds) -> Self {
        Self(Arc::new(Shared {
            lanes: Lanes::new(target, bounds),
            permits: Arc::new(Semaphore::new(bounds.max)),
            waking: AtomicBool::new(false),
        }))
    }

    pub fn meter(&self) -> &Meter {
        &self.0.lanes.meter
    }

    /// Whether a pooler was met: then nothing that was set on a connection stays with us.
    pub fn is_pooled(&self) -> bool {
        self.0.lanes.is_pooled()
    }

    pub fn stats(&self) -> Stats {
        self.0.lanes.stats()
    }

    /// Lends a connection, after [`Bounds::acquire_timeout`] at most, opening included.
    pub async fn get(&self) -> Result<Lease, DatabaseError> {
        let begun = Instant::now();
        let deadline = begun + self.0.lanes.bounds.acquire_timeout;
        let permit = self.permit(deadline).await?;
        let object = loop {
            match self.0.lanes.idle_or_slot() {
                Some(Ok(object)) => break object,
                Some(Err(_slot)) => break self.open(deadline).await?,
                // It was given back to a lane that had been looked into already.
                None if Instant::now() < deadline => yield_now().await,
                None => return Err(DatabaseError::Unavailable("no connection in time".to_owned())),
            }
        };
        self.0.lanes.meter.waited(begun.elapsed());
        Ok(Lease { object: Some(object), permit: Some(permit), pool: Arc::clone(&self.0) })
    }

    async fn permit(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, DatabaseError> {
        if let Ok(permit) = Arc::clone(&self.0.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Counted::new(&self.0.lanes.meter.waiting);
        let permit = timeout_at(deadline.into(), Arc::clone(&self.0.permits).acquire_owned()).await;
        if let Ok(Ok(permit)) = permit {
            return Ok(permit);
        }
        self.0.lanes.meter.exhausted();
        let max = self.0.lanes.bounds.max;
        Err(DatabaseError::Unavailable(format!("all {max} connections are in use")))
    }

    async fn open(&self, deadline: Instant) -> Result<Object, DatabaseError> {
        let _waiting = Counted::new(&self.0.lanes.meter.waiting);
        let lane = self.0.lanes.here();
        Err(DatabaseError::Unavailable(match timeout_at(deadline.into(), lane.get()).await {
            Ok(Ok(object)) => return Ok(object),
            Ok(Err(error)) => self.0.lanes.explain(&error),
            Err(_) => {
                self.open_for_the_next();
                format!("{}: a connection takes too long to open", self.0.lanes.target.place())
            }
        }))
    }

    /// A server that has to wake up first takes longer than a request may wait: a connection
    /// is opened in the background, one at a time, for whoever comes then.
    fn open_for_the_next(&self) {
        if self.0.waking.swap(true, Relaxed) {
            return;
        }
        let shared = Arc::clone(&self.0);
        tokio::spawn(async move {
            if let Ok(_permit) = shared.permits.try_acquire()
                && let Some(Err(_slot)) = shared.lanes.idle_or_slot()
            {
                let _ = timeout(shared.lanes.target.connect_limit, shared.lanes.here().get()).await;
            }
            shared.waking.store(false, Relaxed);
        });
    }

    /// Forgets the idle connections that nobody has used since `moment`.
    pub fn distrust(&self, moment: Instant) {
        self.0.lanes.distrust(moment);
    }

    /// Keeps the least number of connections open, from the current runtime, as long as pool
    /// and runtime live. Called on each runtime, it spreads them over all.
    pub fn keep(&self) {
        tokio::spawn(keep(Arc::downgrade(&self.0)));
    }
}

async fn keep(pool: Weak<Shared>) {
    let mut away = false;
    while let Some(shared) = pool.upgrade() {
        shared.lanes.sweep();
        let filled = shared.lanes.fill(&shared.permits).await;
        drop(shared);
        match &filled {
            Ok(_) if away => tracing::info!("the database is reached again"),
            Err(error) if !away => {
                tracing::warn!(error, "the database can't be reached; trying on");
            }
            _ => {}
        }
        away = filled.is_err();
        // One each: a connection lives on the runtime that opened it, and all shall have some.
        let pause = if filled == Ok(true) { TURN } else { ROUND };
        sleep(pause).await;
    }
}

/// A borrowed connection. Whoever is done with it says how it went; dropped, it counts as in
/// the middle of something.
pub struct Lease {
    /// `None` only while it is being dropped.
    object: Option<Object>,
    /// Given back after the connection, so that whoever waits for it finds that idle.
    permit: Option<OwnedSemaphorePermit>,
    pool: Arc<Shared>,
}

impl Lease {
    /// Gives it back for others to use.
    pub fn give_back(mut self) {
        drop(self.object.take());
    }

    /// Closes it at once, whatever is under way.
    pub fn discard(mut self) {
        self.object.take().map(Object::take);
    }
}

impl Deref for Lease {
    type Target = ClientWrapper;
    fn deref(&self) -> &ClientWrapper {
        self.object.as_ref().expect("a lease has its connection until it is dropped")
    }
}

impl postgres::Connection for Lease {
    fn client(&self) -> &Client {
        self
    }

    async fn prepared(&self, text: &str) -> Result<Option<Statement>, PgError> {
        if self.pool.lanes.is_pooled() {
            return Ok(None);
        }
        if self.statement_cache.size() >= PREPARED_AT_MOST {
            self.statement_cache.clear();
        }
        self.prepare_cached(text).await.map(Some)
    }

    fn has_room(&self, row: usize) -> bool {
        budget::room_for_row(row)
    }
}

/// The caller went away (a deadline, a client that hung up) with a batch under way. It runs to
/// its end or to its limit at the server; the connection serves others after that, and not
/// before, or they would wait for it unseen.
impl Drop for Lease {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        let permit = self.permit.take();
        let limit = self.pool.lanes.bounds.settle_timeout;
        let Ok(runtime) = Handle::try_current() else {
            let _closed = Object::take(object);
            return;
        };
        runtime.spawn(async move {
            match timeout(limit, object.check_connection()).await {
                Ok(Ok(())) => drop(object),
                _ => drop(Object::take(object)),
            }
            drop(permit);
        });
    }
}
