use std::thread::sleep;
use std::time::Duration;

use serde::Serialize;

use super::wrk::{Load, Sample, Target};
use crate::Result;

/// Several measurements of one thing: the middle one and the ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// Of at least one value.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted = values.into_iter().collect::<Vec<_>>();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 0 {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        } else {
            sorted[middle]
        };
        Self { median, min: sorted[0], max: sorted[sorted.len() - 1] }
    }
}

/// Two servers under the same load, in turn.
#[derive(Serialize)]
pub struct Comparison {
    /// Requests a second: the first's by the second's.
    pub throughput: Spread,
    /// Processor time of the server a request, likewise.
    pub cpu: Spread,
    /// The latency that 99 of 100 requests keep, likewise.
    pub p99: Spread,
    /// Each round's samples, first and second.
    pub rounds: Vec<(Sample, Sample)>,
}

/// Measures A B B A A B … in one go, so that whatever else the machine does hits both, and takes
/// the ratio round by round. Each server is warmed up first.
pub fn compare(name: &str, a: &Target, b: &Target, rounds: u32, load: Load) -> Result<Comparison> {
    let settled = |load: Load, target: &Target| {
        // The server may still be at what the load generator asked for last and did not await.
        sleep(Duration::from_millis(200));
        load.run(target)
    };
    let warm_up = Load { seconds: 1, ..load };
    settled(warm_up, a)?;
    settled(warm_up, b)?;
    let mut samples = Vec::new();
    for round in 1..=rounds {
        let (first, second) = if round % 2 == 1 {
            let first = settled(load, a)?;
            (first, settled(load, b)?)
        } else {
            let second = settled(load, b)?;
            (settled(load, a)?, second)
        };
        eprintln!(
            "{name}, round {round} of {rounds}: {} {:.0}/s, {} {:.0}/s",
            a.name, first.requests_per_second, b.name, second.requests_per_second
        );
        samples.push((first, second));
    }
    let ratio = |of: fn(&Sample) -> f64| Spread::of(samples.iter().map(|(a, b)| of(a) / of(b)));
    Ok(Comparison {
        throughput: ratio(|it| it.requests_per_second),
        cpu: ratio(|it| it.cpu_us_per_request),
        p99: ratio(|it| it.p99_ms),
        rounds: samples,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of([4.0, 1.0]), Spread { median: 2.5, min: 1.0, max: 4.0 });
    }
}
