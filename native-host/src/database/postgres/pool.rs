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
        Arc, Mutex, PoisonError, RwLock, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use deadpool_postgres::{
    ClientWrapper, Connect, Manager, ManagerConfig, Metrics, Object, PoolConfig, PoolError,
    QueueMode, RecyclingMethod,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use shared::{postgres, sql::DatabaseError};
use tokio::{
    runtime::{self, Handle},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinHandle, yield_now},
    time::{sleep, timeout, timeout_at},
};
use tokio_postgres::{Client, Config, Error as PgError, Statement};

use super::{
    connect::{dial, explain},
    direct::is_direct,
    target::Target,
};
use crate::database::stats::{Counted, Meter, Stats};

/// How often the least number of connections is seen to.
const ROUND: Duration = Duration::from_secs(1);

/// Between two connections that one runtime opens, while others open theirs.
const TURN: Duration = Duration::from_millis(5);

/// What is idle for so long is closed, down to the least number.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// A connection is replaced at this age: addresses change, and a server process never gives
/// back what its caches hold.
const AGE: Duration = Duration::from_secs(30 * 60);

/// Texts that one connection keeps prepared; lists have a text for each choice of filters.
const PREPARED_AT_MOST: usize = 512;

/// Cheap to clone; all clones are the same pool.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    lanes: RwLock<Vec<Lane>>,
    /// One for each connection that is in use or being opened. Fair: who came first is first.
    permits: Arc<Semaphore>,
    /// Connections that are being opened. Under its lock it is decided whether an idle one is
    /// taken or another is opened, so that there are never more than [`Bounds::max`].
    opening: Mutex<usize>,
    target: Target,
    bounds: Bounds,
    /// A pooler was met: from now on nothing is prepared.
    pooled: Arc<AtomicBool>,
    /// A connection is being opened for whoever comes next.
    waking: AtomicBool,
    meter: Arc<Meter>,
}

/// What one runtime has opened.
#[derive(Clone)]
struct Lane {
    home: runtime::Id,
    connections: deadpool_postgres::Pool,
}

/// What an operator sets.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub min: usize,
    pub max: usize,
    pub acquire_timeout: Duration,
    pub statement_timeout: Duration,
    /// What was sent and then abandoned is over after this, or never.
    pub settle_timeout: Duration,
}

/// Opens the pool's connections, each on the runtime of whoever needs it first.
struct Dialer {
    target: Target,
    /// What is set once on a connection that is nobody else's.
    session: String,
    pooled: Arc<AtomicBool>,
    meter: Arc<Meter>,
}

impl Connect for Dialer {
    fn connect(&self, _: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), PgError>> {
        Box::pin(async {
            let dialed = async {
                let (client, task) = dial(&self.target).await?;
                if is_direct(&client).await? {
                    client.batch_execute(&self.session).await?;
                } else {
                    self.pooled.store(true, Relaxed);
                }
                Ok((client, task))
            };
            let dialed = dialed.await;
            let count = if dialed.is_ok() { &self.meter.opened } else { &self.meter.refused };
            count.fetch_add(1, Relaxed);
            dialed
        })
    }
}

impl Pool {
    pub fn new(target: Target, bounds: Bounds) -> Self {
        Self(Arc::new(Shared {
            lanes: RwLock::default(),
            permits: Arc::new(Semaphore::new(bounds.max)),
            opening: Mutex::new(0),
            target,
            bounds,
            pooled: Arc::default(),
            waking: AtomicBool::new(false),
            meter: Arc::default(),
        }))
    }

    pub fn target(&self) -> &Target {
        &self.0.target
    }

    pub fn meter(&self) -> &Meter {
        &self.0.meter
    }

    /// Whether a pooler was met: then nothing that was set on a connection stays with us.
    pub fn is_pooled(&self) -> bool {
        self.0.pooled.load(Relaxed)
    }

    pub fn stats(&self) -> Stats {
        let (mut open, mut idle) = (0, 0);
        self.0.each(|connections| {
            let status = connections.status();
            open += status.size;
            idle += status.available;
        });
        self.0.meter.open.store(open, Relaxed);
        self.0.meter.read(self.0.bounds.max, idle)
    }

    /// Lends a connection, after [`Bounds::acquire_timeout`] at most, opening included.
    pub async fn get(&self) -> Result<Lease, DatabaseError> {
        let begun = Instant::now();
        let deadline = begun + self.0.bounds.acquire_timeout;
        let permit = self.permit(deadline).await?;
        let object = loop {
            match self.0.idle_or_slot() {
                Some(Ok(object)) => break object,
                Some(Err(_slot)) => break self.open(deadline).await?,
                // It was given back to a lane that had been looked into already.
                None if Instant::now() < deadline => yield_now().await,
                None => return Err(DatabaseError::Unavailable("no connection in time".to_owned())),
            }
        };
        self.0.meter.waited(begun.elapsed());
        Ok(Lease { object: Some(object), permit: Some(permit), pool: Arc::clone(&self.0) })
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

    async fn open(&self, deadline: Instant) -> Result<Object, DatabaseError> {
        let _waiting = Counted::new(&self.0.meter.waiting);
        let lane = self.0.lane();
        Err(DatabaseError::Unavailable(match timeout_at(deadline.into(), lane.get()).await {
            Ok(Ok(object)) => return Ok(object),
            Ok(Err(error)) => self.0.explain(&error),
            Err(_) => {
                self.open_for_the_next();
                format!("{}: a connection takes too long to open", self.0.target.place())
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
                && let Some(Err(_slot)) = shared.idle_or_slot()
            {
                let _ = timeout(shared.target.connect_limit, shared.lane().get()).await;
            }
            shared.waking.store(false, Relaxed);
        });
    }

    /// Forgets the idle connections that nobody has used since `moment`, when one was found
    /// dead or demoted: the others were opened to the same server.
    pub fn distrust(&self, moment: Instant) {
        let used_since = |metrics: Metrics| metrics.recycled.unwrap_or(metrics.created) > moment;
        self.0.each(|connections| {
            connections.retain(|_, metrics| used_since(metrics));
        });
    }

    /// Keeps the least number of connections open, from the current runtime, as long as pool
    /// and runtime live. Called on each runtime, it spreads them over all.
    pub fn keep(&self) {
        tokio::spawn(keep(Arc::downgrade(&self.0)));
    }
}

impl Shared {
    /// The lane of the current runtime.
    fn lane(&self) -> deadpool_postgres::Pool {
        let home = Handle::current().id();
        let here =
            |lanes: &[Lane]| Some(lanes.iter().find(|lane| lane.home == home)?.connections.clone());
        let known = here(&self.lanes.read().unwrap_or_else(PoisonError::into_inner));
        known.unwrap_or_else(|| {
            let mut lanes = self.lanes.write().unwrap_or_else(PoisonError::into_inner);
            here(&lanes).unwrap_or_else(|| {
                let connections = self.new_lane();
                lanes.push(Lane { home, connections: connections.clone() });
                connections
            })
        })
    }

    fn new_lane(&self) -> deadpool_postgres::Pool {
        let limit = self.bounds.statement_timeout.as_millis();
        let dialer = Dialer {
            target: self.target.clone(),
            session: format!("SET statement_timeout = {limit}"),
            pooled: Arc::clone(&self.pooled),
            meter: Arc::clone(&self.meter),
        };
        // "Fast" asks nothing of the server: a batch that fails tells as much as a probe.
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(self.target.config.clone(), dialer, config);
        // The last used first, so that those which are not needed are idle and closed in time.
        let config = PoolConfig { queue_mode: QueueMode::Lifo, ..PoolConfig::new(self.bounds.max) };
        deadpool_postgres::Pool::builder(manager)
            .config(config)
            .build()
            .expect("a pool without time limits of its own needs no runtime")
    }

    fn each(&self, mut work: impl FnMut(&deadpool_postgres::Pool)) {
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        lanes.iter().for_each(|lane| work(&lane.connections));
    }

    fn open(&self) -> usize {
        let mut open = 0;
        self.each(|connections| open += connections.status().size);
        open
    }

    /// An idle connection, or the right to open one where there is room. `None` where neither was
    /// seen; whoever has a permit will see one or the other.
    fn idle_or_slot(&self) -> Option<Result<Object, Slot<'_>>> {
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(object) = self.idle() {
            return Some(Ok(object));
        }
        if self.open() + *opening >= self.bounds.max {
            return None;
        }
        *opening += 1;
        Some(Err(Slot(&self.opening)))
    }

    /// The right to open one more while there are fewer than the least number.
    fn missing(&self) -> Option<Slot<'_>> {
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if self.open() + *opening >= self.bounds.min {
            return None;
        }
        *opening += 1;
        Some(Slot(&self.opening))
    }

    /// One that is idle: of this runtime if it has any, else of another.
    fn idle(&self) -> Option<Object> {
        let home = Handle::current().id();
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        let near = lanes.iter().filter(|lane| lane.home == home);
        let far = lanes.iter().filter(|lane| lane.home != home);
        near.chain(far)
            .filter(|lane| lane.connections.status().available > 0)
            // What is idle is there at once. Were it gone meanwhile, one would be opened.
            .find_map(|lane| lane.connections.get().now_or_never()?.ok())
    }

    fn explain(&self, error: &PoolError) -> String {
        match error {
            PoolError::Backend(error) => format!("{}: {}", self.target.place(), explain(error)),
            other => other.to_string(),
        }
    }

    /// Closes what is dead, what is idle for long, and one that is old: those that were opened
    /// together must not be missed together.
    fn sweep(&self) {
        let mut open = self.open();
        let mut retired = false;
        self.each(|connections| {
            connections.retain(|client, metrics| {
                let many = open > self.bounds.max;
                let spare = open > self.bounds.min && metrics.last_used() > IDLE;
                let old = !retired && metrics.age() > AGE;
                retired |= old;
                let stays = !(client.is_closed() || many || spare || old);
                open -= usize::from(!stays);
                stays
            });
        });
    }

    /// Opens one connection if there are too few. Whether it did. It has to hold what is idle
    /// in the lane meanwhile, or it would be given that.
    async fn fill(&self) -> Result<bool, String> {
        let lane = self.lane();
        let mut held = Vec::new();
        while let Ok(permit) = self.permits.try_acquire() {
            let Some(_slot) = self.missing() else { break };
            match timeout(self.target.connect_limit, lane.get()).await {
                Ok(Ok(object)) => held.push((object, permit)),
                Ok(Err(error)) => return Err(self.explain(&error)),
                Err(_) => return Err("no connection in time".to_owned()),
            }
            let is_new = |(last, _): &(Object, _)| Object::metrics(last).recycled.is_none();
            if held.last().is_some_and(is_new) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A connection that is being opened, until it is there or is not.
struct Slot<'a>(&'a Mutex<usize>);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
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
        if self.pool.pooled.load(Relaxed) {
            return Ok(None);
        }
        if self.statement_cache.size() >= PREPARED_AT_MOST {
            self.statement_cache.clear();
        }
        self.prepare_cached(text).await.map(Some)
    }
}

/// The caller went away (a deadline, a client that hung up) with a batch under way. It runs to
/// its end or to its limit at the server; the connection serves others after that, and not
/// before, or they would wait for it unseen.
impl Drop for Lease {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        let permit = self.permit.take();
        let limit = self.pool.bounds.settle_timeout;
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
