//! What the way to the database looks like from outside.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use trireme_core::sql::DatabaseError;

/// Upper bounds in microseconds of the classes that waits are counted in; the last class has
/// none.
const BOUNDS: [u64; 9] =
    [100, 1_000, 5_000, 25_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000];

/// The state of the pool (on SQLite: of its threads), and what has happened since the start.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Connections at most, open now, and open without work.
    pub max: usize,
    pub open: usize,
    pub idle: usize,
    /// Callers that wait for a connection now.
    pub waiting: usize,
    /// Connections opened since the start.
    pub opened: u64,
    /// Attempts to open one that failed.
    pub refused: u64,
    pub wait: Histogram,
    /// Failed batches by kind: `exhausted`, `unavailable`, `timed_out`, `outcome_unknown`,
    /// `conflict`, `failed`.
    pub errors: [(&'static str, u64); 6],
}

/// How long callers waited for a connection.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// How many waited at most so many seconds; cumulative, as Prometheus has it.
    pub buckets: [(f64, u64); BOUNDS.len()],
    pub count: u64,
    /// Seconds.
    pub sum: f64,
}

/// Counts as things happen, on any thread.
#[derive(Debug, Default)]
pub struct Meter {
    pub open: AtomicUsize,
    /// Of SQLite's threads.
    pub busy: AtomicUsize,
    pub waiting: AtomicUsize,
    pub opened: AtomicU64,
    pub refused: AtomicU64,
    classes: [AtomicU64; BOUNDS.len() + 1],
    waited_micros: AtomicU64,
    exhausted: AtomicU64,
    unavailable: AtomicU64,
    timed_out: AtomicU64,
    outcome_unknown: AtomicU64,
    conflict: AtomicU64,
    failed: AtomicU64,
}

impl Meter {
    pub fn waited(&self, time: Duration) {
        let micros = time.as_micros() as u64;
        let class = BOUNDS.partition_point(|bound| *bound < micros);
        self.classes[class].fetch_add(1, Relaxed);
        self.waited_micros.fetch_add(micros, Relaxed);
    }

    /// A caller waited in vain: everything is in use.
    pub fn exhausted(&self) {
        self.exhausted.fetch_add(1, Relaxed);
    }

    /// Faults only: a violated constraint or an ended session is an answer, and what there is no
    /// memory for is counted elsewhere.
    pub fn failed(&self, error: &DatabaseError) {
        let count = match error {
            DatabaseError::SessionEnded | DatabaseError::Constraint(_) | DatabaseError::NoRoom => {
                return;
            }
            DatabaseError::Unavailable(_) => &self.unavailable,
            DatabaseError::TimedOut(_) => &self.timed_out,
            DatabaseError::OutcomeUnknown(_) => &self.outcome_unknown,
            DatabaseError::Conflict(_) => &self.conflict,
            DatabaseError::Undefined(_) | DatabaseError::Behind(_) | DatabaseError::Failed(_) => {
                &self.failed
            }
        };
        count.fetch_add(1, Relaxed);
    }

    pub fn read(&self, max: usize, idle: usize) -> Stats {
        let mut count = 0;
        let mut buckets = [(0.0, 0); BOUNDS.len()];
        for ((bucket, bound), class) in buckets.iter_mut().zip(BOUNDS).zip(&self.classes) {
            count += class.load(Relaxed);
            *bucket = (bound as f64 / 1e6, count);
        }
        count += self.classes[BOUNDS.len()].load(Relaxed);
        Stats {
            max,
            open: self.open.load(Relaxed),
            idle,
            waiting: self.waiting.load(Relaxed),
            opened: self.opened.load(Relaxed),
            refused: self.refused.load(Relaxed),
            wait: Histogram { buckets, count, sum: self.waited_micros.load(Relaxed) as f64 / 1e6 },
            errors: [
                ("exhausted", self.exhausted.load(Relaxed)),
                ("unavailable", self.unavailable.load(Relaxed)),
                ("timed_out", self.timed_out.load(Relaxed)),
                ("outcome_unknown", self.outcome_unknown.load(Relaxed)),
                ("conflict", self.conflict.load(Relaxed)),
                ("failed", self.failed.load(Relaxed)),
            ],
        }
    }
}

/// Counts one up until it is dropped.
pub struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    pub fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_counted_in_every_bucket_from_its_own_on() {
        let meter = Meter::default();
        for micros in [0, 100, 101, 3_000_000] {
            meter.waited(Duration::from_micros(micros));
        }
        let wait = meter.read(1, 0).wait;
        assert_eq!(wait.buckets[0], (0.0001, 2));
        assert_eq!(wait.buckets[1], (0.001, 3));
        assert_eq!(wait.buckets[8], (2.5, 3));
        assert_eq!(wait.count, 4);
        assert!((wait.sum - 3.000_201).abs() < 1e-9);
    }
}
