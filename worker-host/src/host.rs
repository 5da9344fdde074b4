//! The Workers host: the platform's clock, randomness and timers, and one request's database.

use std::time::Duration;

use trireme_core::{
    Timestamp,
    host::{Busy, Host, HostKind},
};
use worker::Delay;

use crate::database::Database;

/// What handlers see of the platform. Each request has its own: what was opened for one request
/// can't be used in another.
pub struct WorkerHost {
    database: Database,
}

impl WorkerHost {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

/// The platform's clock. It stands still between two waits for something outside.
pub fn now() -> Timestamp {
    Timestamp::from_millis(js_sys::Date::now() as i64)
}

/// Bytes of `crypto.getRandomValues`.
pub fn random<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    fill(&mut out);
    out
}

fn fill(out: &mut [u8]) {
    if let Err(error) = getrandom::fill(out) {
        // An answer of 500 is better than an identifier or a token that can be guessed.
        panic!("there is no randomness: {error}");
    }
}

impl Host for WorkerHost {
    type Database = Database;

    fn kind(&self) -> HostKind {
        HostKind::Workers
    }

    fn database(&self) -> &Database {
        &self.database
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn random(&self, out: &mut [u8]) {
        fill(out);
    }

    /// Dropped early, it clears its timer.
    async fn sleep(&self, duration: Duration) {
        Delay::from(duration).await;
    }

    /// An isolate has one thread, so the work runs at once and holds up the isolate's other
    /// requests for as long as it takes. The platform starts isolates as they are needed and
    /// bounds each request's CPU time; the queue is its, so this is never [`Busy`].
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        Ok(work())
    }
}
