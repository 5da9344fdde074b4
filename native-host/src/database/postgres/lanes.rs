//! The connections of all runtimes: a pool of deadpool-postgres for each, and what holds for all
//! of them together.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Metrics, Object, Pool, PoolConfig, PoolError, QueueMode,
    RecyclingMethod,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{
    runtime::{self, Handle},
    sync::Semaphore,
    task::JoinHandle,
    time::timeout,
};
use tokio_postgres::{Client, Config, Error as PgError};

use super::{
    connect::{dial, explain},
    direct::is_direct,
    target::Target,
};
use crate::database::stats::{Meter, Stats};

/// What is idle for so long is closed, down to the least number.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// A connection is replaced at this age: addresses change, and a server process never gives
/// back what its caches hold.
const AGE: Duration = Duration::from_secs(30 * 60);

pub struct Lanes {
    all: RwLock<Vec<Lane>>,
    /// Connections that are being opened. Under its lock it is decided whether an idle one is
    /// taken or another is opened, so that there are never more than [`Bounds::max`].
    opening: Mutex<usize>,
    pub target: Target,
    pub bounds: Bounds,
    /// A pooler was met: from now on nothing is prepared.
    pooled: Arc<AtomicBool>,
    pub meter: Arc<Meter>,
}

/// What one runtime has opened.
struct Lane {
    home: runtime::Id,
    connections: Pool,
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

/// Opens connections, each on the runtime of whoever needs it first.
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

impl Lanes {
    pub fn new(target: Target, bounds: Bounds) -> Self {
        Self {
            all: RwLock::default(),
            opening: Mutex::new(0),
            target,
            bounds,
            pooled: Arc::default(),
            meter: Arc::default(),
        }
    }

    /// Whether a pooler was met: then nothing that was set on a connection stays with us.
    pub fn is_pooled(&self) -> bool {
        self.pooled.load(Relaxed)
    }

    pub fn stats(&self) -> Stats {
        let (mut open, mut idle) = (0, 0);
        self.each(|connections| {
            let status = connections.status();
            open += status.size;
            idle += status.available;
        });
        self.meter.open.store(open, Relaxed);
        self.meter.read(self.bounds.max, idle)
    }

    /// The lane of the current runtime.
    pub fn here(&self) -> Pool {
        let home = Handle::current().id();
        let known =
            |lanes: &[Lane]| Some(lanes.iter().find(|lane| lane.home == home)?.connections.clone());
        let found = known(&self.all.read().unwrap_or_else(PoisonError::into_inner));
        found.unwrap_or_else(|| {
            let mut lanes = self.all.write().unwrap_or_else(PoisonError::into_inner);
            known(&lanes).unwrap_or_else(|| {
                let connections = self.new_lane();
                lanes.push(Lane { home, connections: connections.clone() });
                connections
            })
        })
    }

    fn new_lane(&self) -> Pool {
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
        Pool::builder(manager)
            .config(config)
            .build()
            .expect("a pool without time limits of its own needs no runtime")
    }

    fn each(&self, mut work: impl FnMut(&Pool)) {
        let lanes = self.all.read().unwrap_or_else(PoisonError::into_inner);
        lanes.iter().for_each(|lane| work(&lane.connections));
    }

    fn open(&self) -> usize {
        let mut open = 0;
        self.each(|connections| open += connections.status().size);
        open
    }

    /// An idle connection, or the right to open one where there is room. `None` where neither was
    /// seen; whoever has a permit will see one or the other.
    pub fn idle_or_slot(&self) -> Option<Result<Object, Slot<'_>>> {
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
        let lanes = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let near = lanes.iter().filter(|lane| lane.home == home);
        let far = lanes.iter().filter(|lane| lane.home != home);
        near.chain(far)
            .filter(|lane| lane.connections.status().available > 0)
            // What is idle is there at once. Were it gone meanwhile, one would be opened.
            .find_map(|lane| lane.connections.get().now_or_never()?.ok())
    }

    pub fn explain(&self, error: &PoolError) -> String {
        match error {
            PoolError::Backend(error) => format!("{}: {}", self.target.place(), explain(error)),
            other => other.to_string(),
        }
    }

    /// Forgets the idle connections that nobody has used since `moment`, when one was found
    /// dead or demoted: the others were opened to the same server.
    pub fn distrust(&self, moment: Instant) {
        let used_since = |metrics: Metrics| metrics.recycled.unwrap_or(metrics.created) > moment;
        self.each(|connections| {
            connections.retain(|_, metrics| used_since(metrics));
        });
    }

    /// Closes what is dead, what is idle for long, and one that is old: those that were opened
    /// together must not be missed together.
    pub fn sweep(&self) {
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
    pub async fn fill(&self, permits: &Semaphore) -> Result<bool, String> {
        let lane = self.here();
        let mut held = Vec::new();
        while let Ok(permit) = permits.try_acquire() {
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
pub struct Slot<'a>(&'a Mutex<usize>);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
    }
}
