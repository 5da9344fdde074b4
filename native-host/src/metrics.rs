//! What can be measured from outside, in the text format of Prometheus.

mod clients;
mod database;
mod maintenance;
mod process;

use std::{
    cell::RefCell,
    collections::HashMap,
    fmt::Write as _,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{Program, database::stats::Stats, server::House};
use http::{Method, StatusCode};
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder, core::Collector,
};

/// Seconds; from a cached read to the longest deadline.
const BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Everything that is counted while the process runs.
pub struct Metrics {
    registry: Registry,
    version: &'static str,
    started: SystemTime,
    requests: IntCounterVec,
    seconds: HistogramVec,
    in_flight: IntGauge,
    pub computing: Computing,
    pub maintenance: maintenance::Maintenance,
}

/// The queue of password hashing.
#[derive(Clone)]
pub struct Computing {
    pub waiting: IntGauge,
    pub rejected: IntCounter,
    pub seconds: Histogram,
}

impl Metrics {
    pub fn new(program: &Program) -> Self {
        let registry = Registry::new();
        let requests = IntCounterVec::new(
            Opts::new("http_requests_total", "Requests that were answered."),
            &["method", "route", "status"],
        );
        let seconds = HistogramVec::new(
            options("http_request_duration_seconds", "From a request's head to its answer."),
            &["method", "route"],
        );
        let in_flight = IntGauge::new("http_requests_in_flight", "Requests being answered.");
        let waiting = IntGauge::new("hash_queue_depth", "Password hashes that wait for a thread.");
        let rejected = IntCounter::new(
            "hash_rejected_total",
            "Password hashes refused because the queue was full.",
        );
        let hashing =
            Histogram::with_opts(options("hash_duration_seconds", "Time of hashing a password."));
        Self {
            requests: registered(&registry, requests),
            seconds: registered(&registry, seconds),
            in_flight: registered(&registry, in_flight),
            computing: Computing {
                waiting: registered(&registry, waiting),
                rejected: registered(&registry, rejected),
                seconds: registered(&registry, hashing),
            },
            maintenance: maintenance::Maintenance::new(&registry, program.maintenance),
            version: program.about.version,
            started: SystemTime::now(),
            registry,
        }
    }

    /// Everything as text; what is not counted as it happens is looked up now.
    pub fn render(&self, database: &Stats, house: &House) -> String {
        let mut text = String::with_capacity(16 << 10);
        // Encoding into a String can't fail.
        let _ = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text);
        family(&mut text, "trireme_build_info", "gauge", "This build.");
        let _ = writeln!(text, "trireme_build_info{{version=\"{}\"}} 1", self.version);
        clients::render(house, &mut text);
        database::render(database, &mut text);
        process::render(self.started, &mut text);
        text
    }
}

fn options(name: &str, help: &str) -> HistogramOpts {
    HistogramOpts::new(name, help).buckets(BUCKETS.to_vec())
}

/// Names and labels are constants: that they are valid, and there once, is seen by any test.
fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: prometheus::Result<C>,
) -> C {
    let collector = collector.expect("a valid name and labels");
    registry.register(Box::new(collector.clone())).expect("a new name");
    collector
}

/// The lines before the values of a metric.
fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

/// Counts requests on one thread; the labels of a route are looked up once.
pub struct Meter {
    metrics: Arc<Metrics>,
    known: RefCell<HashMap<Labels, (IntCounter, Histogram)>>,
}

/// Method, route and status.
type Labels = (&'static str, &'static str, StatusCode);

impl Meter {
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, known: RefCell::default() }
    }

    /// Counts a request as in flight until the guard is dropped.
    pub fn begin(&self) -> InFlight<'_> {
        self.metrics.in_flight.inc();
        InFlight(&self.metrics.in_flight)
    }

    pub fn answered(
        &self,
        method: &Method,
        route: &'static str,
        status: StatusCode,
        took: Duration,
    ) {
        let mut known = self.known.borrow_mut();
        let method = label(method);
        let (count, seconds) = known.entry((method, route, status)).or_insert_with(|| {
            (
                self.metrics.requests.with_label_values(&[method, route, status.as_str()]),
                self.metrics.seconds.with_label_values(&[method, route]),
            )
        });
        count.inc();
        seconds.observe(took.as_secs_f64());
    }
}

/// A client may send any word as its method; a label's values have to be few.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

pub struct InFlight<'a>(&'a IntGauge);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
