//! What is done beside requests, in figures.

use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry};
use trireme::maintenance::{Outcome, Report, Step, steps};
use trireme_core::Timestamp;

use super::registered;

pub struct Maintenance {
    product: &'static [Step],
    due: IntGaugeVec,
    rows: IntCounterVec,
    failures: IntCounterVec,
    last_run: IntGaugeVec,
    seconds: GaugeVec,
}

impl Maintenance {
    pub fn new(registry: &Registry, product: &'static [Step]) -> Self {
        let opts = |name: &str, help: &str| Opts::new(name, help);
        let due = opts("maintenance_due", "What is due, counted up to a million.");
        let rows = opts("maintenance_rows_total", "Rows removed or changed by this process.");
        let failures = opts("maintenance_failures_total", "Runs of a step that failed.");
        let last_run = opts("maintenance_last_run_timestamp_seconds", "When the last run ended.");
        let seconds = opts("maintenance_last_run_seconds", "How long the last run took.");
        let this = Self {
            product,
            due: registered(registry, IntGaugeVec::new(due, &["step"])),
            rows: registered(registry, IntCounterVec::new(rows, &["step"])),
            failures: registered(registry, IntCounterVec::new(failures, &["step"])),
            last_run: registered(registry, IntGaugeVec::new(last_run, &["step"])),
            seconds: registered(registry, GaugeVec::new(seconds, &["step"])),
        };
        for step in steps(product) {
            this.due.with_label_values(&[step.name]);
            this.rows.with_label_values(&[step.name]);
            this.failures.with_label_values(&[step.name]);
        }
        this
    }

    pub fn tell(&self, reports: &[Report], now: Timestamp) {
        for report in reports {
            let label = &[report.step];
            self.due.with_label_values(label).set(report.due);
            self.rows.with_label_values(label).inc_by(report.rows);
            if report.outcome == Outcome::Failed {
                self.failures.with_label_values(label).inc();
            }
            self.last_run.with_label_values(label).set(now.millis() / 1000);
            self.seconds.with_label_values(label).set(report.milliseconds as f64 / 1000.0);
        }
    }

    /// Not even what is due could be asked.
    pub fn failed(&self) {
        for step in steps(self.product) {
            self.failures.with_label_values(&[step.name]).inc();
        }
    }
}
