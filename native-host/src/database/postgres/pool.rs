//! Connections that all threads share.
//!
//! A connection is at home on the runtime that opened it. Whoever needs one is given one of
//! its own runtime if any is idle there, because another thread would have to be woken for
//! each batch, and any other before a new one is opened.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use shared::sql::DatabaseError;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout, timeout_at},
};

use super::{
    connect::{ConnectError, Connection, Slot},
    target::Target,
};
use crate::database::stats::{Counted, Meter, Stats};

/// How often the least number of connections is seen to.
const ROUND: Duration = Duration::from_secs(1);

/// What is idle for so long is closed, down to the least number.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// A connection is replaced at this age: addresses change, and a server process never gives
/// back what its caches hold.
const AGE: Duration = Duration::from_secs(30 * 60);

/// Cheap to clone; all clones are the same pool.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    target: Target,
    bounds: Bounds,
    /// One for each connection that is in use or being opened. Fair: who came first is first.
    permits: Arc<Semaphore>,
    /// The last one was used last.
    /// Under its lock it is decided whether to open another, so that there are never more
    /// than [`Bounds::max`].
    idle: Mutex<Vec<Connection>>,
    meter: Arc<Meter>,
}

/// What an operator sets.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub min: usize,
    pub max: usize,
    pub acquire_timeout: Duration,
    /// What was sent and then abandoned is over after this, or never.
    pub settle_timeout: Duration,
}

impl Pool {
    pub fn new(target: Target, bounds: Bounds) -> Self {
        Self(Arc::new(Shared {
            target,
            bounds,
            permits: Arc::new(Semaphore::new(bounds.max)),
            idle: Mutex::new(Vec::with_capacity(bounds.max)),
            meter: Arc::default(),
        }))
    }

    pub fn target(&self) -> &Target {
        &self.0.target
    }

    pub fn meter(&self) -> &Meter {
        &self.0.meter
    }

    pub fn stats(&self) -> Stats {
        self.0.meter.read(self.0.bounds.max, self.0.idle().len())
    }

    /// Lends a connection, after [`Bounds::acquire_timeout`] at most.
    pub async fn get(&self) -> Result<Lease, DatabaseError> {
        let started = Instant::now();
        let deadline = started + self.0.bounds.acquire_timeout;
        let permit = self.permit(deadline).await?;
        let lease = match self.0.take_idle() {
            Ok(connection) => Lease::new(Arc::clone(&self.0), connection, permit),
            Err(slot) => self.open(slot, permit, deadline).await?,
        };
        self.0.meter.waited(started.elapsed());
        Ok(lease)
    }

    async fn permit(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, DatabaseError> {
        if let Ok(permit) = Arc::clone(&self.0.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Counted::new(&self.0.meter.waiting);
        let permit = timeout_at(deadline.into(), Arc::clone(&self.0.permits).acquire_owned()).await;
        if let Ok(Ok(permit)) = permit {
            return Ok(permit);
        }
        self.0.meter.exhausted();
        let max = self.0.bounds.max;
        Err(DatabaseError::Unavailable(format!("all {max} connections are in use")))
    }

    /// Opens a connection in a task of its own: when it takes longer than its caller may
    /// wait, it still serves the next.
    async fn open(
        &self,
        slot: Slot,
        permit: OwnedSemaphorePermit,
        deadline: Instant,
    ) -> Result<Lease, DatabaseError> {
        let shared = Arc::clone(&self.0);
        let opening = tokio::spawn(async move {
            let connection = Connection::open(&shared.target, slot).await?;
            Ok::<_, ConnectError>(Lease::new(shared, connection, permit))
        });
        let _waiting = Counted::new(&self.0.meter.waiting);
        Err(DatabaseError::Unavailable(match timeout_at(deadline.into(), opening).await {
            Ok(Ok(Ok(lease))) => return Ok(lease),
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(stopped)) => stopped.to_string(),
            Err(_) => format!("{}: a connection takes too long to open", self.0.target.place()),
        }))
    }

    /// Forgets the idle connections that nobody has used since `moment`, when one was found
    /// dead or demoted: the others were opened to the same server.
    pub fn distrust(&self, moment: Instant) {
        self.0.idle().retain(|connection| connection.used > moment);
    }

    /// Keeps the least number of connections open, from the current runtime, as long as pool
    /// and runtime live. Called on each runtime, it spreads them over all.
    pub fn keep(&self) {
        tokio::spawn(keep(Arc::downgrade(&self.0)));
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle connection, or, when there is none, the right to open one.
    fn take_idle(&self) -> Result<Connection, Slot> {
        let home = Handle::current().id();
        let mut idle = self.idle();
        loop {
            let near = idle.iter().rposition(|connection| connection.home == home);
            let Some(last) = idle.len().checked_sub(1) else {
                return Err(Slot::new(&self.meter));
            };
            let connection = idle.remove(near.unwrap_or(last));
            if !connection.is_closed() {
                return Ok(connection);
            }
        }
    }

    fn put_idle(&self, mut connection: Connection) {
        let now = Instant::now();
        if connection.is_closed() || now - connection.born > AGE {
            return;
        }
        connection.used = now;
        self.idle().push(connection);
    }

    /// Closes what is dead, old, or idle for long.
    fn sweep(&self) {
        let now = Instant::now();
        let mut open = self.meter.open.load(Relaxed);
        self.idle().retain(|connection| {
            let spare = open > self.bounds.min && now - connection.used > IDLE;
            let stays = !(connection.is_closed() || spare || now - connection.born > AGE);
            open -= usize::from(!stays);
            stays
        });
    }

    /// Opens one connection more if there are too few. Whether it did.
    async fn fill(&self) -> Result<bool, ConnectError> {
        let Ok(_permit) = self.permits.try_acquire() else { return Ok(false) };
        let slot = {
            let _idle = self.idle();
            let missing = self.meter.open.load(Relaxed) < self.bounds.min;
            missing.then(|| Slot::new(&self.meter))
        };
        let Some(slot) = slot else { return Ok(false) };
        self.put_idle(Connection::open(&self.target, slot).await?);
        Ok(true)
    }
}

async fn keep(pool: Weak<Shared>) {
    let mut away = false;
    while let Some(shared) = pool.upgrade() {
        shared.sweep();
        let filled = shared.fill().await;
        drop(shared);
        match &filled {
            Ok(_) if away => tracing::info!("the database is reached again"),
            Err(error) if !away => {
                tracing::warn!(%error, "the database can't be reached; trying on");
            }
            _ => {}
        }
        away = filled.is_err();
        if !matches!(filled, Ok(true)) {
            sleep(ROUND).await;
        }
    }
}

/// A borrowed connection. Whoever is done with it says how it went; dropped, it counts as in
/// the middle of something.
pub struct Lease {
    /// `None` only while it is being dropped.
    connection: Option<Connection>,
    pool: Arc<Shared>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Lease {
    fn new(pool: Arc<Shared>, connection: Connection, permit: OwnedSemaphorePermit) -> Self {
        Self { connection: Some(connection), pool, permit: Some(permit) }
    }

    /// Gives it back for others to use.
    pub fn give_back(mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.put_idle(connection);
        }
    }

    /// Closes it at once.
    pub fn discard(mut self) {
        if let Some(connection) = self.connection.take() {
            connection.abort();
        }
    }
}

impl Deref for Lease {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("a lease has its connection until it is dropped")
    }
}

/// The caller went away (a deadline, a client that hung up) with a batch under way. It runs to
/// its end or to its limit at the server; the connection serves others after that, and not
/// before, or they would wait for it unseen.
impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let (pool, permit) = (Arc::clone(&self.pool), self.permit.take());
        let Ok(runtime) = Handle::try_current() else { return connection.abort() };
        runtime.spawn(async move {
            match timeout(pool.bounds.settle_timeout, connection.check()).await {
                Ok(Ok(())) => pool.put_idle(connection),
                _ => connection.abort(),
            }
            drop(permit);
        });
    }
}
