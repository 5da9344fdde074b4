//! The Workers host: the platform's clock, randomness and timers, and one request's database.

use std::time::Duration;

use trireme_core::{
    Timestamp,
    host::{Busy, Host, HostKind},
};
use worker::Delay;

use crate::{
    database::Database,
    platform::{fill, now},
};

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
