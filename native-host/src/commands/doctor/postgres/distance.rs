//! How far away the server is, in space and time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio_postgres::{Client, Error as PgError};

use super::one;
use crate::commands::doctor::report::Report;

const ROUND_TRIPS: usize = 11;
const FAR: Duration = Duration::from_millis(10);
const CLOCKS: Duration = Duration::from_secs(2);

pub async fn distance(client: &Client, report: &mut Report) -> Result<(), PgError> {
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    for _ in 0..ROUND_TRIPS {
        let begun = Instant::now();
        client.batch_execute("SELECT 1").await?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let median = times[ROUND_TRIPS / 2];
    let detail = format!(
        "A round trip takes {:.1} ms (from {:.1} to {:.1}).",
        millis(median),
        millis(times[0]),
        millis(times[ROUND_TRIPS - 1])
    );
    if median > FAR {
        report.warning(
            "distance",
            detail,
            "Every request waits for at least one: run next to the database.",
        );
    } else {
        report.ok("distance", detail);
    }
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub async fn clock(client: &Client, report: &mut Report) -> Result<(), PgError> {
    let before = SystemTime::now();
    let server: f64 =
        one(client, "SELECT extract(epoch FROM clock_timestamp())::float8").await?.try_get(0)?;
    let half = before.elapsed().unwrap_or_default() / 2;
    let here = (before + half).duration_since(UNIX_EPOCH).unwrap_or_default();
    let apart = (here.as_secs_f64() - server).abs();
    if apart > CLOCKS.as_secs_f64() {
        report.warning(
            "clock",
            format!("This machine's clock and the server's are {apart:.1} s apart."),
            "Set them by NTP: tokens are valid by this machine's clock.",
        );
    } else {
        report.ok("clock", format!("The same as here, within {:.0} ms.", (apart * 1e3).max(1.0)));
    }
    Ok(())
}
