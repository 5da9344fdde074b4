//! deadpool-postgres with what a server needs around it: a least number of connections, one
//! time limit for waiting and opening together, and care for what was abandoned half way.

use std::{
    ops::Deref,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use deadpool_postgres::{ClientWrapper, Connect, Manager, ManagerConfig, Object, RecyclingMethod};
use futures_util::future::BoxFuture;
use shared::{postgres, sql::DatabaseError};
use tokio::{
    runtime::Handle,
    task::JoinHandle,
    time::{sleep, timeout},
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
    connections: deadpool_postgres::Pool,
    target: Target,
    bounds: Bounds,
    /// A pooler was met: from now on nothing is prepared.
    pooled: Arc<AtomicBool>,
    /// A connection is being opened for whoever comes next.
    waking: AtomicBool,
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

/// Opens the pool's connections, each on the runtime of whoever needs it first.
struct Dialer {
    target: Target,
    pooled: Arc<AtomicBool>,
    meter: Arc<Meter>,
}

impl Connect for Dialer {
    fn connect(&self, _: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), PgError>> {
        Box::pin(async {
            let dialed = async {
                let (client, task) = dial(&self.target).await?;
                if !is_direct(&client).await? {
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
        let (pooled, meter) = (Arc::default(), Arc::<Meter>::default());
        let dialer = Dialer {
            target: target.clone(),
            pooled: Arc::clone(&pooled),
            meter: Arc::clone(&meter),
        };
        // "Fast" asks nothing of the server: a batch that fails tells as much as a probe.
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(target.config.clone(), dialer, config);
        let connections = deadpool_postgres::Pool::builder(manager)
            .max_size(bounds.max)
            .build()
            .expect("a pool without time limits of its own needs no runtime");
        let waking = AtomicBool::new(false);
        Self(Arc::new(Shared { connections, target, bounds, pooled, waking, meter }))
    }

    pub fn target(&self) -> &Target {
        &self.0.target
    }

    pub fn meter(&self) -> &Meter {
        &self.0.meter
    }

    pub fn stats(&self) -> Stats {
        let status = self.0.connections.status();
        self.0.meter.open.store(status.size, Relaxed);
        self.0.meter.read(status.max_size, status.available)
    }

    /// Lends a connection, after [`Bounds::acquire_timeout`] at most, opening included.
    pub async fn get(&self) -> Result<Lease, DatabaseError> {
        let begun = Instant::now();
        let _waiting = Counted::new(&self.0.meter.waiting);
        let cause = match timeout(self.0.bounds.acquire_timeout, self.0.connections.get()).await {
            Ok(Ok(object)) => {
                self.0.meter.waited(begun.elapsed());
                return Ok(Lease { object: Some(object), pool: Arc::clone(&self.0) });
            }
            Ok(Err(deadpool_postgres::PoolError::Backend(error))) => {
                format!("{}: {}", self.0.target.place(), explain(&error))
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) if self.0.connections.status().available == 0 && self.is_full() => {
                self.0.meter.exhausted();
                format!("all {} connections are in use", self.0.bounds.max)
            }
            Err(_) => {
                self.open_for_the_next();
                format!("{}: a connection takes too long to open", self.0.target.place())
            }
        };
        Err(DatabaseError::Unavailable(cause))
    }

    /// A server that has to wake up first takes longer than a request may wait: a connection
    /// is opened in the background, one at a time, for whoever comes then.
    fn open_for_the_next(&self) {
        if self.0.waking.swap(true, Relaxed) {
            return;
        }
        let shared = Arc::clone(&self.0);
        tokio::spawn(async move {
            let _ = timeout(shared.target.connect_limit, shared.connections.get()).await;
            shared.waking.store(false, Relaxed);
        });
    }

    fn is_full(&self) -> bool {
        let status = self.0.connections.status();
        status.size >= status.max_size
    }

    /// Forgets the idle connections that nobody has used since `moment`, when one was found
    /// dead or demoted: the others were opened to the same server.
    pub fn distrust(&self, moment: Instant) {
        let used_since = |metrics: deadpool_postgres::Metrics| {
            metrics.recycled.unwrap_or(metrics.created) > moment
        };
        self.0.connections.retain(|_, metrics| used_since(metrics));
    }

    /// Keeps the least number of connections open, from the current runtime, as long as pool
    /// and runtime live.
    pub fn keep(&self) {
        tokio::spawn(keep(Arc::downgrade(&self.0)));
    }
}

impl Shared {
    /// Closes what is dead, old, or idle for long.
    fn sweep(&self) {
        let mut open = self.connections.status().size;
        self.connections.retain(|client, metrics| {
            let spare = open > self.bounds.min && metrics.last_used() > IDLE;
            let stays = !(client.is_closed() || spare || metrics.age() > AGE);
            open -= usize::from(!stays);
            stays
        });
    }

    /// Opens what is missing of the least number. It has to hold what is idle meanwhile, or it
    /// would be given that.
    async fn fill(&self) -> Result<(), String> {
        let mut held = Vec::new();
        while self.connections.status().size < self.bounds.min {
            match timeout(self.target.connect_limit, self.connections.get()).await {
                Ok(Ok(object)) => held.push(object),
                Ok(Err(error)) => return Err(error.to_string()),
                Err(_) => return Err("no connection in time".to_owned()),
            }
        }
        Ok(())
    }
}

async fn keep(pool: Weak<Shared>) {
    let mut away = false;
    while let Some(shared) = pool.upgrade() {
        shared.sweep();
        let filled = shared.fill().await;
        drop(shared);
        match &filled {
            Ok(()) if away => tracing::info!("the database is reached again"),
            Err(error) if !away => {
                tracing::warn!(error, "the database can't be reached; trying on");
            }
            _ => {}
        }
        away = filled.is_err();
        sleep(ROUND).await;
    }
}

/// A borrowed connection. Whoever is done with it says how it went; dropped, it counts as in
/// the middle of something.
pub struct Lease {
    /// `None` only while it is being dropped.
    object: Option<Object>,
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
        });
    }
}
