//! The platform's clock, randomness and timers.

use std::{
    future::Future,
    pin::pin,
    time::{Duration, SystemTime},
};

use futures_util::future::{Either, select};
use spin_sdk::wasip3::clocks::monotonic_clock::wait_for;
use trireme_core::Timestamp;

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

pub fn fill(out: &mut [u8]) {
    getrandom::fill(out).expect("the platform always has randomness");
}

/// `None` when `limit` passed first.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(wait_for(limit.as_nanos() as u64))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
