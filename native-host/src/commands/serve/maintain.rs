//! Maintenance in the background, for as long as the server serves.

use std::{convert::Infallible, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use rand::RngExt as _;
use tokio::time::sleep;
use trireme::{
    App,
    maintenance::{self, Outcome, Report},
};
use trireme_core::host::Host as _;

use crate::{host::NativeHost, metrics::Metrics};

/// Between two looks at what is due, give or take a fifth: instances don't look in step.
const EVERY: Duration = Duration::from_secs(15);

/// Of a step in one run: it leaves the others their turn, and the figures stay fresh.
const PIECES: u32 = 50;

/// Never returns, whatever goes wrong: what was not done now is done later. Dropped, it stops at
/// once: a piece is all or nothing, and its lease runs out.
pub async fn forever(app: &App<NativeHost>, host: &NativeHost, metrics: &Metrics) -> Infallible {
    // The first run moves nothing: what is due is told at once, and not when much of it is done.
    let mut pieces = 0;
    loop {
        let run = AssertUnwindSafe(maintenance::run(app, host, pieces)).catch_unwind();
        pieces = PIECES;
        let unfinished = match run.await {
            Ok(Ok(reports)) => {
                metrics.maintenance.tell(&reports, host.now());
                reports.iter().for_each(log);
                reports.iter().any(|report| report.outcome == Outcome::Unfinished)
            }
            Ok(Err(error)) => {
                metrics.maintenance.failed();
                tracing::warn!(%error, "maintenance has to wait");
                false
            }
            Err(_) => {
                metrics.maintenance.failed();
                tracing::error!("maintenance panicked");
                false
            }
        };
        if !unfinished {
            sleep(EVERY.mul_f64(rand::rng().random_range(0.8..1.2))).await;
        }
    }
}

fn log(report: &Report) {
    let Report { step, due, rows, milliseconds, .. } = *report;
    if let Some(cause) = &report.cause {
        tracing::warn!(step, due, rows, milliseconds, cause, "maintenance failed");
    } else if rows > 0 {
        tracing::debug!(step, due, rows, milliseconds, "maintenance");
    }
}
