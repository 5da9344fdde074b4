//! Spin as the handlers see it.

use std::{
    future::Future,
    pin::pin,
    time::{Duration, SystemTime},
};

use futures_util::future::{Either, select};
use spin_sdk::wasip3::clocks::monotonic_clock::wait_for;
use trireme_core::{
    Timestamp,
    config::Config,
    host::{Busy, Host, HostKind},
};

use crate::database::Database;

/// What one request may use.
pub struct SpinHost {
    database: Database,
}

impl SpinHost {
    pub fn new(config: &'static Config) -> Self {
        Self { database: Database::new(&config.database) }
    }
}

/// The platform's clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(since.as_millis() as i64)
}

/// Bytes of the platform's secure source.
pub fn random<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    fill(&mut out);
    out
}

fn fill(out: &mut [u8]) {
    getrandom::fill(out).expect("the platform always has randomness");
}

/// `None` when `limit` passed first.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(wait_for(limit.as_nanos() as u64))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
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
