//! Spin as the handlers see it.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use spin_sdk::wasip3::{clocks::monotonic_clock::wait_for, spawn};
use trireme_core::{
    Timestamp,
    config::Config,
    host::{Busy, Host, HostKind, LATER},
    http::call::{Call, FetchError},
};

use crate::{
    database::Database,
    outbound,
    platform::{fill, now, within},
};

/// What one request may use.
pub struct SpinHost {
    config: &'static Config,
    database: Database,
}

impl SpinHost {
    pub fn new(config: &'static Config) -> Self {
        Self { config, database: Database::new(&config.database) }
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

    async fn fetch(&self, call: Call) -> Result<Response<Bytes>, FetchError> {
        outbound::fetch(call.checked(self.config.environment)?).await
    }

    /// Spin keeps the instance until it is done, past the answer.
    fn later(&self, work: impl AsyncFnOnce(&Self) + 'static) {
        let host = Self::new(self.config);
        spawn(async move {
            if within(LATER, work(&host)).await.is_none() {
                tracing::warn!("work after an answer was given up: it took too long");
            }
        });
    }
}
