//! The memory that requests may hold, for the whole process.
//!
//! A request has a [`Share`]. It counts its head; twice its body, for what arrived and what is
//! read from it; twice the rows that the database gave, for them and the answer made of them; and
//! then the answer, until the client has taken it. Where there is no room, new work is refused,
//! and the clients who take their answers (or send their bodies) most slowly are cut off.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{
            AtomicBool, AtomicU64, AtomicUsize,
            Ordering::{AcqRel, Acquire, Relaxed},
        },
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::task::AtomicWaker;

/// Who has only just begun is not slow yet.
const YOUNG: Duration = Duration::from_secs(1);

/// How much of the budget is free again, in its parts, once slow clients were cut off.
const FREE: usize = 4;

tokio::task_local! {
    static SHARE: Share;
}

/// What may be held, and what is.
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
    refused: AtomicU64,
    stalled: AtomicU64,
    cut: AtomicU64,
    /// The shares whose clients are waited for, by their addresses.
    waiting: Mutex<HashMap<usize, Weak<Hold>>>,
}

/// A budget in figures, as the metrics show it.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Bytes.
    pub limit: usize,
    pub used: usize,
    /// What there was no room for.
    pub refused: u64,
    /// Answers that were given up since nothing of them was taken for too long.
    pub stalled: u64,
    /// Clients that were cut off to make room.
    pub cut: u64,
}

impl Budget {
    /// `limit` in bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            waiting: Mutex::default(),
        })
    }

    pub fn figures(&self) -> Figures {
        Figures {
            limit: self.limit,
            used: self.used.load(Relaxed),
            refused: self.refused.load(Relaxed),
            stalled: self.stalled.load(Relaxed),
            cut: self.cut.load(Relaxed),
        }
    }

    /// A share for one request, which begins now; of nothing yet.
    pub fn share(self: &Arc<Self>, now: Instant) -> Share {
        Share(Arc::new(Hold {
            budget: Arc::clone(self),
            begun: now,
            bytes: AtomicUsize::new(0),
            moved: AtomicUsize::new(0),
            listed: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }))
    }

    fn take(&self, bytes: usize) -> bool {
        let before = self.used.fetch_add(bytes, AcqRel);
        if before.saturating_add(bytes) <= self.limit {
            return true;
        }
        self.used.fetch_sub(bytes, AcqRel);
        self.refused.fetch_add(1, Relaxed);
        self.make_room();
        false
    }

    /// Cuts off the slowest, until a part of the budget will be free.
    fn make_room(&self) {
        let mut slow: Vec<_> = self.waiting().values().filter_map(Weak::upgrade).collect();
        slow.retain(|hold| hold.begun.elapsed() >= YOUNG);
        slow.sort_by_cached_key(|hold| {
            hold.moved.load(Relaxed) as u128 * 1_000_000 / hold.begun.elapsed().as_micros()
        });
        let mut used = self.used.load(Relaxed);
        for hold in slow {
            if used <= self.limit - self.limit / FREE {
                return;
            }
            used = used.saturating_sub(hold.bytes.load(Relaxed));
            if !hold.cut.swap(true, AcqRel) {
                self.cut.fetch_add(1, Relaxed);
                hold.waker.wake();
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<usize, Weak<Hold>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one request holds. All clones are the same share; it is given back with the last.
#[derive(Clone)]
pub struct Share(Arc<Hold>);

struct Hold {
    budget: Arc<Budget>,
    begun: Instant,
    bytes: AtomicUsize,
    /// Bytes that the client has taken or sent.
    moved: AtomicUsize,
    listed: AtomicBool,
    cut: AtomicBool,
    waker: AtomicWaker,
}

impl Share {
    /// Whether new work may begin.
    pub fn has_room(&self) -> bool {
        let budget = &self.0.budget;
        budget.used.load(Acquire) <= budget.limit || budget.take(0)
    }

    /// Holds `bytes` more, where there is room.
    pub fn more(&self, bytes: usize) -> bool {
        let taken = self.0.budget.take(bytes);
        if taken {
            self.0.bytes.fetch_add(bytes, Relaxed);
        }
        taken
    }

    /// Holds `bytes` more whether there is room or not.
    pub fn insist(&self, bytes: usize) {
        self.0.budget.used.fetch_add(bytes, AcqRel);
        self.0.bytes.fetch_add(bytes, Relaxed);
    }

    /// Holds `bytes` from now on, where there is room.
    pub fn become_of(&self, bytes: usize) -> bool {
        let held = self.0.bytes.load(Relaxed);
        if bytes > held {
            return self.more(bytes - held);
        }
        self.0.bytes.store(bytes, Relaxed);
        self.0.budget.used.fetch_sub(held - bytes, AcqRel);
        true
    }

    /// Holds what `other` holds as well, in its place.
    pub fn absorb(&self, other: &Self) {
        let bytes = other.0.bytes.swap(0, Relaxed);
        self.0.bytes.fetch_add(bytes, Relaxed);
    }

    /// Holds `bytes` from now on, whether there is room or not.
    pub fn insist_on(&self, bytes: usize) {
        let held = self.0.bytes.load(Relaxed);
        if bytes > held {
            self.insist(bytes - held);
        } else {
            self.become_of(bytes);
        }
    }

    /// The client has taken or sent so many bytes.
    pub fn moved(&self, bytes: usize) {
        self.0.moved.fetch_add(bytes, Relaxed);
    }

    /// The client is waited for, and may be cut off: then this is ready.
    pub fn poll_cut(&self, context: &mut Context<'_>) -> Poll<()> {
        if !self.0.listed.swap(true, AcqRel) {
            let place = Arc::as_ptr(&self.0) as usize;
            self.0.budget.waiting().insert(place, Arc::downgrade(&self.0));
        }
        self.0.waker.register(context.waker());
        if self.0.cut.load(Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The client took nothing for too long.
    pub fn stalled(&self) {
        self.0.budget.stalled.fetch_add(1, Relaxed);
    }

    /// Runs `work` as a part of this share's request: see [`room_for_row`].
    pub fn scope<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        SHARE.scope(self.clone(), work)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(*self.bytes.get_mut(), AcqRel);
        if *self.listed.get_mut() {
            self.budget.waiting().remove(&(std::ptr::from_ref(self) as usize));
        }
    }
}

/// Whether the current request has room for a row of so many bytes. What runs for no request has.
pub fn room_for_row(bytes: usize) -> bool {
    SHARE.try_with(|share| share.more(2 * bytes)).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn is_cut(share: &Share) -> bool {
        share.poll_cut(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn what_is_dropped_is_given_back() {
        let budget = Budget::new(100);
        let share = budget.share(Instant::now());
        assert!(share.more(60) && share.has_room());
        assert!(!share.more(41));
        assert!(share.become_of(100) && share.has_room());
        share.insist(1);
        assert!(!share.has_room());
        assert!(share.become_of(10));
        assert_eq!(budget.figures().used, 10);
        assert!(!is_cut(&share));
        drop((share.clone(), share));
        assert_eq!((budget.figures().used, budget.figures().refused), (0, 2));
        assert!(budget.waiting().is_empty());
    }

    #[test]
    fn the_slowest_are_cut_off_until_there_is_room() {
        let budget = Budget::new(100);
        let client = |bytes, moved, waits: bool| {
            let share = budget.share(Instant::now());
            assert!(share.more(bytes));
            share.moved(moved);
            assert!(!waits || !is_cut(&share));
            share
        };
        // The last is busy with something else than its client.
        let shares =
            [(40, 7), (30, 1_000), (20, 3)].map(|(bytes, moved)| client(bytes, moved, true));
        let busy = client(10, 0, false);
        assert!(!busy.more(1));
        assert_eq!(shares.each_ref().map(is_cut), [false; 3], "nobody is slow yet");
        std::thread::sleep(YOUNG);
        let young = budget.share(Instant::now());
        young.insist(1);
        assert!(!is_cut(&young) && !busy.more(1));
        assert_eq!(shares.each_ref().map(is_cut), [true, false, true]);
        assert!(!is_cut(&young));
        assert_eq!(budget.figures().cut, 2);
    }
}
