//! Spin as the handlers see it.

use std::time::Duration;

use spin_sdk::wasip3::clocks::monotonic_clock::wait_for;
use trireme_core::{
    Timestamp,
    config::Config,
    host::{Busy, Host, HostKind},
};

use crate::{
    database::Database,
    platform::{fill, now},
};

/// What one request may use.
pub struct SpinHost {
    database: Database,
}

impl SpinHost {
    pub fn new(config: &'static Config) -> Self {
        Self { database: Database::new(&config.database) }
    }
}

impl Host for SpinHost {
    type Database = Database;

    fn kind(&self) -> HostKind {
        HostKind::Spin
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

    async fn sleep(&self, duration: Duration) {
        wait_for(duration.as_nanos() as u64).await;
    }

    /// There is no other thread: an instance hashes one password after the other, and Spin
    /// starts more instances beside it.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        Ok(work())
    }
}
