//! Where connections are kept: a lane for each runtime, of what was opened on it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::{
    runtime::{self, Handle},
    time::timeout,
};
use trireme_core::postgres::Wire;

use super::stream::Stream;

/// A connection is replaced at this age: addresses change, and a server process never gives
/// back what its caches hold.
const AGE: Duration = Duration::from_secs(30 * 60);

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// A connection that is open. It counts as long as it lives.
pub struct Link {
    pub wire: Wire<Stream>,
    /// The runtime that opened it.
    home: runtime::Id,
    opened: Instant,
    /// When it was last lent.
    used: Instant,
    _counted: Counted,
}

impl Link {
    /// Closes it, and tells the server so where there is a runtime to do it on.
    pub fn close(self) {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(timeout(GOODBYE, self.wire.close()));
        }
    }
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// What one runtime has opened and nobody uses; the last used last.
struct Lane {
    home: runtime::Id,
    idle: Mutex<Vec<Link>>,
}

impl Lane {
    fn idle(&self) -> MutexGuard<'_, Vec<Link>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last used first, so that those which are not needed are idle and closed in time. What
    /// has ended meanwhile is dropped on the way.
    fn take(&self) -> Option<Link> {
        let mut idle = self.idle();
        while let Some(mut link) = idle.pop() {
            if link.wire.is_alive() {
                link.used = Instant::now();
                return Some(link);
            }
        }
        None
    }
}

#[derive(Default)]
pub struct Lanes {
    all: RwLock<Vec<Lane>>,
    open: Arc<AtomicUsize>,
}

impl Lanes {
    fn all(&self) -> RwLockReadGuard<'_, Vec<Lane>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what was opened on the current runtime. It is idle then.
    pub fn add(&self, wire: Wire<Stream>) {
        let (home, now) = (Handle::current().id(), Instant::now());
        self.open.fetch_add(1, Relaxed);
        let counted = Counted(Arc::clone(&self.open));
        if !self.all().iter().any(|lane| lane.home == home) {
            let mut lanes = self.all.write().unwrap_or_else(PoisonError::into_inner);
            // Nobody else opens on this runtime, which is one thread.
            lanes.push(Lane { home, idle: Mutex::default() });
        }
        self.put_back(Link { wire, home, opened: now, used: now, _counted: counted });
    }

    /// Leaves it idle in its lane.
    pub fn put_back(&self, link: Link) {
        if let Some(lane) = self.all().iter().find(|lane| lane.home == link.home) {
            lane.idle().push(link);
        }
    }

    /// An idle connection: of the runtime `home` if that has any, else of another.
    pub fn idle(&self, home: runtime::Id) -> Option<Link> {
        let lanes = self.all();
        let near = lanes.iter().filter(|lane| lane.home == home);
        let far = lanes.iter().filter(|lane| lane.home != home);
        near.chain(far).find_map(Lane::take)
    }

    /// How many are open, and how many of them idle.
    pub fn count(&self) -> (usize, usize) {
        let mut idle = 0;
        self.each(|links| idle += links.len());
        (self.open(), idle)
    }

    pub fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    fn each(&self, mut work: impl FnMut(&mut Vec<Link>)) {
        self.all().iter().for_each(|lane| work(&mut lane.idle()));
    }

    /// Closes the idle ones for which `stays` says so.
    fn retain(&self, mut stays: impl FnMut(&mut Link) -> bool) {
        self.each(|links| {
            links.extract_if(.., |link| !stays(link)).for_each(Link::close);
        });
    }

    /// Closes the idle ones that nobody has used since `moment`.
    pub fn forget(&self, moment: Instant) {
        self.retain(|link| link.used > moment);
    }

    /// Closes what is dead, what is idle for longer than `patience` and more than `least`, and
    /// one that is old: those that were opened together must not be missed together.
    pub fn sweep(&self, least: usize, patience: Duration) {
        let mut open = self.open();
        let mut retired = false;
        self.retain(|link| {
            let spare = open > least && link.used.elapsed() > patience;
            let old = !retired && link.opened.elapsed() > AGE;
            retired |= old;
            let stays = link.wire.is_alive() && !spare && !old;
            open -= usize::from(!stays);
            stays
        });
    }
}
