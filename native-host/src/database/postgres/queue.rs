//! Who waits for a connection, and what is opened for them.

use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
            fence,
        },
    },
    time::{Duration, Instant},
};

use futures_util::future::{Either, select};
use tokio::{
    runtime::{self, Handle},
    sync::oneshot,
    time::sleep,
};

use super::{
    connect::{self, Refusal},
    lanes::Lanes,
    pool::{Bounds, Lease},
    target::Target,
};
use crate::database::stats::Meter;

/// An opening that takes longer is no longer counted on: others are begun beside it. Well below
/// the five seconds in which service has to be back after the database is.
const SLOW: Duration = Duration::from_secs(3);

/// Before another is opened, after one was refused where others are open.
const REST: Duration = Duration::from_millis(500);

/// How long a server that had no room counts as short of it: its connections are opened one at
/// a time then, and not kept for nothing.
const SHORTAGE: Duration = Duration::from_secs(60);

/// What is idle for so long is closed in a shortage.
const SPARE: Duration = Duration::from_secs(10);

/// What all runtimes share.
pub struct Shared {
    pub target: Target,
    pub bounds: Bounds,
    pub lanes: Lanes,
    pub meter: Meter,
    /// A pooler was met: from now on nothing is prepared.
    pub pooled: AtomicBool,
    queue: Mutex<Queue>,
    /// The length of the queue, for whoever finds an idle connection and would overtake.
    queued: AtomicUsize,
}

#[derive(Default)]
struct Queue {
    waiters: VecDeque<Waiter>,
    /// Connections that are being opened: open and opening are [`Bounds::max`] at most.
    opening: usize,
    /// Those of them that take long.
    slow: usize,
    /// When one was last refused while others were open, or for want of room.
    refused: Option<Instant>,
    /// When the server last had no room.
    full: Option<Instant>,
    /// It could not be reached the last time.
    away: bool,
}

struct Waiter {
    home: runtime::Id,
    tell: oneshot::Sender<Result<Lease, String>>,
}

impl Queue {
    fn rests(&self) -> bool {
        self.refused.is_some_and(|moment| moment.elapsed() < REST)
    }

    fn is_short(&self) -> bool {
        self.full.is_some_and(|moment| moment.elapsed() < SHORTAGE)
    }

    /// The next that still waits.
    fn pop(&mut self) -> Option<Waiter> {
        while let Some(waiter) = self.waiters.pop_front() {
            if !waiter.tell.is_closed() {
                return Some(waiter);
            }
        }
        None
    }
}

impl Shared {
    pub fn new(target: Target, bounds: Bounds) -> Self {
        Self {
            target,
            lanes: Lanes::default(),
            bounds,
            meter: Meter::default(),
            pooled: AtomicBool::default(),
            queue: Mutex::default(),
            queued: AtomicUsize::default(),
        }
    }

    fn lock(self: &Arc<Self>) -> Locked<'_> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        Locked { queue: Some(queue), due: 0, shared: self }
    }

    /// An idle connection, where nobody waits for one.
    pub fn at_once(self: &Arc<Self>) -> Option<Lease> {
        if self.queued.load(SeqCst) > 0 {
            return None;
        }
        self.lanes.idle(Handle::current().id()).map(|link| Lease::new(link, self))
    }

    /// Waits in the queue: the sooner the receiver is dropped, the sooner that is over. An error
    /// is why no connection can be had.
    pub fn wait(self: &Arc<Self>) -> oneshot::Receiver<Result<Lease, String>> {
        let (tell, told) = oneshot::channel();
        let mut queue = self.lock();
        while queue.waiters.front().is_some_and(|waiter| waiter.tell.is_closed()) {
            queue.waiters.pop_front();
        }
        queue.waiters.push_back(Waiter { home: Handle::current().id(), tell });
        // From now on whoever gives one back sees the queue; what was given back just now is
        // seen here.
        self.queued.store(queue.waiters.len(), SeqCst);
        fence(SeqCst);
        self.serve(&mut queue);
        queue.open_for_all();
        told
    }

    /// A connection has become idle.
    pub fn given_back(self: &Arc<Self>) {
        fence(SeqCst);
        if self.queued.load(SeqCst) > 0 {
            let mut queue = self.lock();
            self.serve(&mut queue);
            // It may have ended meanwhile, and there is room for another.
            queue.open_for_all();
        }
    }

    /// A connection is no more; there may be room for another.
    pub fn closed(self: &Arc<Self>) {
        if self.queued.load(SeqCst) > 0 {
            self.lock().open_for_all();
        }
    }

    fn serve(self: &Arc<Self>, queue: &mut Queue) {
        while let Some(waiter) = queue.waiters.front() {
            if waiter.tell.is_closed() {
                queue.waiters.pop_front();
                continue;
            }
            let Some(link) = self.lanes.idle(waiter.home) else { return };
            let Some(waiter) = queue.waiters.pop_front() else { return };
            // Whoever left at this very moment leaves it idle, for the next.
            if let Err(Ok(mut lease)) = waiter.tell.send(Ok(Lease::new(link, self))) {
                lease.put_back();
            }
        }
    }

    /// Opens one more while there are fewer than the least number, and goes on for those who
    /// wait. Whether there are still too few.
    pub fn fill(self: &Arc<Self>) -> bool {
        let mut queue = self.lock();
        queue.open_for_all();
        let missing = |queue: &Queue| self.lanes.open() + queue.opening < self.bounds.min;
        let hopeless = queue.is_short() || queue.away && queue.opening > 0;
        if hopeless || !missing(&queue) || !queue.may_open() {
            return false;
        }
        queue.open();
        !queue.away && missing(&queue)
    }

    /// What is dead, old or idle for nothing is closed.
    pub fn sweep(self: &Arc<Self>, idle: Duration) {
        // Where there is no room, others need it more.
        let short = self.lock().is_short();
        let (least, patience) = if short { (1, SPARE) } else { (self.bounds.min, idle) };
        self.lanes.sweep(least, patience);
    }
}

/// The queue. When it is let go its length is told, and what was decided on is begun: a task
/// that ends at once wants the queue itself.
struct Locked<'a> {
    /// `None` only while it is being let go.
    queue: Option<MutexGuard<'a, Queue>>,
    /// Openings to begin.
    due: usize,
    shared: &'a Arc<Shared>,
}

impl Locked<'_> {
    /// Opens a connection for each that waits, as far as there is room.
    fn open_for_all(&mut self) {
        while self.opening - self.slow < self.waiters.len() && self.may_open() {
            self.open();
        }
    }

    fn may_open(&self) -> bool {
        let is_its_turn = self.opening == self.slow || !self.is_short();
        let Shared { lanes, bounds, .. } = &**self.shared;
        is_its_turn && !self.rests() && lanes.open() + self.opening < bounds.max
    }

    fn open(&mut self) {
        self.opening += 1;
        self.due += 1;
    }
}

impl Deref for Locked<'_> {
    type Target = Queue;
    fn deref(&self) -> &Queue {
        self.queue.as_ref().expect("it is held until it is let go")
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Queue {
        self.queue.as_mut().expect("it is held until it is let go")
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.shared.queued.store(self.waiters.len(), SeqCst);
        self.queue = None;
        for _ in 0..self.due {
            let opening = Opening { shared: Arc::clone(self.shared), slow: false, ended: false };
            // On the current runtime, where the connection then lives. Where there is none, it
            // is given up at once.
            if let Ok(runtime) = Handle::try_current() {
                runtime.spawn(opening.run());
            }
        }
    }
}

/// A connection that is being opened, whoever still waits for it.
struct Opening {
    shared: Arc<Shared>,
    slow: bool,
    /// It came to its end, and did not go down with its runtime.
    ended: bool,
}

impl Opening {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let dialed = connect::join(&shared.target, shared.bounds.statement_timeout);
        let dialed = pin!(dialed);
        let dialed = match select(dialed, pin!(sleep(SLOW))).await {
            Either::Left((dialed, _)) => dialed,
            Either::Right(((), dialed)) => {
                self.is_slow();
                dialed.await
            }
        };
        match dialed {
            Ok(joined) => {
                shared.meter.opened.fetch_add(1, Relaxed);
                if !joined.direct {
                    shared.pooled.store(true, Relaxed);
                }
                shared.lanes.add(joined.wire);
                let mut queue = shared.lock();
                if std::mem::take(&mut queue.away) {
                    tracing::info!("the database is reached again");
                }
                shared.serve(&mut queue);
            }
            Err(refusal) => {
                shared.meter.refused.fetch_add(1, Relaxed);
                self.failed(refusal);
            }
        }
        self.ended = true;
    }

    fn is_slow(&mut self) {
        self.slow = true;
        let mut queue = self.shared.lock();
        queue.slow += 1;
        queue.open_for_all();
    }

    /// Where others are open one of those will do for whoever waits, and where the server has no
    /// room some may be made. Else one that waits learns why it waits in vain.
    fn failed(&self, refusal: Refusal) {
        let shared = &self.shared;
        let mut queue = shared.lock();
        let others = shared.lanes.open() > 0;
        let no_room = matches!(refusal, Refusal::Full(_))
            || others && matches!(refusal, Refusal::Unanswered(_));
        let cause = refusal.cause();
        if no_room || others {
            if no_room && !queue.is_short() {
                tracing::warn!(error = cause, "the database has no room for more connections");
            }
            let now = Some(Instant::now());
            queue.refused = now;
            queue.full = if no_room { now } else { queue.full };
            let later = Arc::clone(shared);
            tokio::spawn(async move {
                sleep(REST).await;
                later.lock().open_for_all();
            });
            return;
        }
        if !std::mem::replace(&mut queue.away, true) {
            tracing::warn!(error = cause, "the database can't be reached; trying on");
        }
        if !self.slow
            && let Some(waiter) = queue.pop()
        {
            let _ = waiter.tell.send(Err(cause));
        }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.opening -= 1;
        queue.slow -= usize::from(self.slow);
        if self.ended {
            queue.open_for_all();
        }
    }
}
