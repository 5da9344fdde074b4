//! A pool: connections that are opened in the background for whoever waits, a least number of
//! them, one time limit for waiting, and care for what was abandoned half way.
//!
//! A connection lives on the runtime that opened it, and to use it from another costs the
//! waking of two threads: twice the time of a batch on a network without delay. So each
//! runtime has a lane (`lanes`), a pool of what it opened. Mostly a batch finds an idle
//! connection in its own lane, or in another. Where there is none it waits in one queue for all
//! (`queue`), in order, for what is given back or opened, whichever is first.

use std::{
    sync::{Arc, Weak, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    time::{sleep, timeout_at},
};
use trireme_core::{postgres::Wire, sql::DatabaseError};

use super::{lanes::Link, queue::Shared, stream::Stream, target::Target};
use crate::database::stats::{Counted, Meter, Stats};

/// How often the least number of connections is seen to.
const ROUND: Duration = Duration::from_secs(1);

/// Between two connections that one runtime opens, while others open theirs.
const TURN: Duration = Duration::from_millis(5);

/// What is idle for so long is closed, down to the least number.
const IDLE: Duration = Duration::from_secs(5 * 60);

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

/// Cheap to clone; all clones are the same pool.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

impl Pool {
    pub fn new(target: Target, bounds: Bounds) -> Self {
        Self(Arc::new(Shared::new(target, bounds)))
    }

    pub fn meter(&self) -> &Meter {
        &self.0.meter
    }

    /// Whether a pooler was met: then nothing that was set on a connection stays with us.
    pub fn is_pooled(&self) -> bool {
        self.0.pooled.load(Relaxed)
    }

    pub fn stats(&self) -> Stats {
        let (open, idle) = self.0.lanes.count();
        self.0.meter.open.store(open, Relaxed);
        self.0.meter.read(self.0.bounds.max, idle)
    }

    /// Lends a connection, after [`Bounds::acquire_timeout`] at most, opening included.
    pub async fn get(&self) -> Result<Lease, DatabaseError> {
        let begun = Instant::now();
        let mut lease = match self.0.at_once() {
            Some(lease) => lease,
            None => self.wait(begun + self.0.bounds.acquire_timeout).await?,
        };
        self.0.meter.waited(begun.elapsed());
        lease.lent = Some(Instant::now());
        Ok(lease)
    }

    async fn wait(&self, deadline: Instant) -> Result<Lease, DatabaseError> {
        let _waiting = Counted::new(&self.0.meter.waiting);
        let answer = timeout_at(deadline.into(), self.0.wait()).await;
        let cause = match answer {
            Ok(Ok(Ok(lease))) => return Ok(lease),
            Ok(Ok(Err(cause))) => cause,
            Ok(Err(_)) | Err(_) => match self.0.lanes.open() {
                0 => format!("{}: a connection takes too long to open", self.0.target.place()),
                open => {
                    self.0.meter.exhausted();
                    format!("all {open} connections are in use")
                }
            },
        };
        Err(DatabaseError::Unavailable(cause))
    }

    /// Closes the idle connections that nobody has used since `moment`, when one was found dead
    /// or demoted: the others were opened to the same server.
    pub fn distrust(&self, moment: Instant) {
        self.0.lanes.forget(moment);
    }

    /// Closes what is idle: somebody else needs the room.
    pub fn make_room(&self) {
        self.0.lanes.forget(Instant::now());
    }

    /// Keeps the least number of connections open, from the current runtime, as long as pool
    /// and runtime live. Called on each runtime, it spreads them over all.
    pub fn keep(&self) {
        tokio::spawn(keep(Arc::downgrade(&self.0)));
    }
}

async fn keep(pool: Weak<Shared>) {
    while let Some(shared) = pool.upgrade() {
        shared.sweep(IDLE);
        // One each: a connection lives on the runtime that opened it, and all shall have some.
        let pause = if shared.fill() { TURN } else { ROUND };
        drop(shared);
        sleep(pause).await;
    }
}

/// A borrowed connection. Whoever is done with it says how it went; dropped, it counts as in
/// the middle of something.
pub struct Lease {
    /// `None` once it is given back or closed.
    link: Option<Link>,
    /// `None` as long as it is on its way to whoever waits.
    lent: Option<Instant>,
    pool: Arc<Shared>,
}

impl Lease {
    pub fn new(link: Link, pool: &Arc<Shared>) -> Self {
        Self { link: Some(link), lent: None, pool: Arc::clone(pool) }
    }

    pub fn wire(&mut self) -> &mut Wire<Stream> {
        &mut self.link.as_mut().expect("a lease has its connection until it is given back").wire
    }

    /// Leaves it idle, and tells nobody.
    pub fn put_back(&mut self) {
        if let Some(link) = self.link.take() {
            self.pool.lanes.put_back(link);
        }
    }

    /// Gives it back for others to use.
    pub fn give_back(mut self) {
        self.put_back();
        self.pool.given_back();
    }

    /// Closes it at once, whatever is under way.
    pub fn discard(mut self) {
        if let Some(link) = self.link.take() {
            link.close();
        }
        self.pool.closed();
    }
}

/// The caller went away (a deadline, a client that hung up) with a batch under way. It runs to
/// its end or to its limit at the server; the connection serves others after that, and not
/// before, or they would wait for it unseen.
impl Drop for Lease {
    fn drop(&mut self) {
        let Some(link) = self.link.take() else { return };
        let pool = Arc::clone(&self.pool);
        let mut lease = Self { link: Some(link), lent: None, pool };
        let Some(lent) = self.lent.filter(|_| lease.wire().is_busy()) else {
            return lease.give_back();
        };
        let Ok(runtime) = Handle::try_current() else { return lease.discard() };
        let deadline = lent + lease.pool.bounds.settle_timeout;
        runtime.spawn(async move {
            let settled = timeout_at(deadline.into(), lease.wire().settle()).await;
            if matches!(settled, Ok(Ok(()))) {
                lease.give_back();
            } else {
                // Silence, or the end: the others were opened to the same server.
                lease.pool.lanes.forget(lent);
                lease.discard();
            }
        });
    }
}
