//! Where connections are kept: a pool of deadpool-postgres for each runtime.

use std::{
    future::pending,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Metrics, Object, Pool, PoolConfig, QueueMode, RecyclingMethod,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{
    runtime::{self, Handle},
    task::JoinHandle,
};
use tokio_postgres::{Client, Config, Error as PgError};

/// A connection is replaced at this age: addresses change, and a server process never gives
/// back what its caches hold.
const AGE: Duration = Duration::from_secs(30 * 60);

/// An open connection, and what moves its bytes.
pub type Opened = (Client, JoinHandle<()>);

pub struct Lanes {
    all: RwLock<Vec<Lane>>,
    max: usize,
}

/// What one runtime has opened.
#[derive(Clone)]
struct Lane {
    home: runtime::Id,
    connections: Pool,
    opened: Handover,
}

/// deadpool asks for a connection when it has none idle, and who asked would wait for it and
/// lose it by giving up. Ours are opened beforehand ([`super::pool`]), and given to it here.
#[derive(Clone, Default)]
struct Handover(Arc<Mutex<Vec<Opened>>>);

impl Connect for Handover {
    fn connect(&self, _: &Config) -> BoxFuture<'_, Result<Opened, PgError>> {
        let opened = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match opened {
            Some(opened) => Box::pin(async { Ok(opened) }),
            None => Box::pin(pending()),
        }
    }
}

impl Lane {
    fn new(home: runtime::Id, max: usize) -> Self {
        let opened = Handover::default();
        // "Fast" asks nothing of the server: a batch that fails tells as much as a probe.
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(Config::new(), opened.clone(), config);
        // The last used first, so that those which are not needed are idle and closed in time.
        let config = PoolConfig { queue_mode: QueueMode::Lifo, ..PoolConfig::new(max) };
        let connections = Pool::builder(manager)
            .config(config)
            .build()
            .expect("a pool without time limits of its own needs no runtime");
        Self { home, connections, opened }
    }

    /// One that is idle. What has ended meanwhile is dropped on the way.
    fn idle(&self) -> Option<Object> {
        if self.connections.status().available == 0 {
            return None;
        }
        self.connections.get().now_or_never()?.ok()
    }

    /// Takes in a new connection, which is idle then. Those that are idle already are held for
    /// this moment, or deadpool would not ask for it.
    fn add(&self, opened: Opened) {
        self.opened.0.lock().unwrap_or_else(PoisonError::into_inner).push(opened);
        let mut held = Vec::new();
        while let Some(Ok(object)) = self.connections.get().now_or_never() {
            let is_new = Object::metrics(&object).recycle_count == 0;
            held.push(object);
            if is_new {
                break;
            }
        }
    }
}

impl Lanes {
    /// For `max` connections at most, all together.
    pub fn new(max: usize) -> Self {
        Self { all: RwLock::default(), max }
    }

    /// Takes in what was opened on the current runtime.
    pub fn add(&self, opened: Opened) {
        let home = Handle::current().id();
        let known = |lanes: &[Lane]| lanes.iter().find(|lane| lane.home == home).cloned();
        let found = known(&self.all.read().unwrap_or_else(PoisonError::into_inner));
        let lane = found.unwrap_or_else(|| {
            let mut lanes = self.all.write().unwrap_or_else(PoisonError::into_inner);
            known(&lanes).unwrap_or_else(|| {
                let lane = Lane::new(home, self.max);
                lanes.push(lane.clone());
                lane
            })
        });
        lane.add(opened);
    }

    /// An idle connection: of the runtime `home` if that has any, else of another.
    pub fn idle(&self, home: runtime::Id) -> Option<Object> {
        let lanes = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let near = lanes.iter().filter(|lane| lane.home == home);
        let far = lanes.iter().filter(|lane| lane.home != home);
        near.chain(far).find_map(Lane::idle)
    }

    /// How many are open, and how many of them idle.
    pub fn count(&self) -> (usize, usize) {
        let (mut open, mut idle) = (0, 0);
        self.each(|connections| {
            let status = connections.status();
            open += status.size;
            idle += status.available;
        });
        (open, idle)
    }

    pub fn open(&self) -> usize {
        self.count().0
    }

    fn each(&self, mut work: impl FnMut(&Pool)) {
        let lanes = self.all.read().unwrap_or_else(PoisonError::into_inner);
        lanes.iter().for_each(|lane| work(&lane.connections));
    }

    /// Closes the idle ones that nobody has used since `moment`.
    pub fn forget(&self, moment: Instant) {
        let used_since = |metrics: Metrics| metrics.recycled.unwrap_or(metrics.created) > moment;
        self.each(|connections| {
            connections.retain(|_, metrics| used_since(metrics));
        });
    }

    /// Closes what is dead, what is idle for longer than `patience` and more than `least`, and
    /// one that is old: those that were opened together must not be missed together.
    pub fn sweep(&self, least: usize, patience: Duration) {
        let mut open = self.open();
        let mut retired = false;
        self.each(|connections| {
            connections.retain(|client, metrics| {
                let spare = open > least && metrics.last_used() > patience;
                let old = !retired && metrics.age() > AGE;
                retired |= old;
                let stays = !(client.is_closed() || spare || old);
                open -= usize::from(!stays);
                stays
            });
        });
    }
}
