//! Log records: one JSON object a line, or text for people. Where lines go is the host's.

use std::{
    fmt,
    panic::{self, PanicHookInfo},
};

use tracing_subscriber::{
    Layer as _,
    filter::Targets,
    fmt::{MakeWriter, format::Writer, time::FormatTime},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    Timestamp,
    config::{Config, Faults, Log, LogFormat},
};

/// The filter that `LOG_LEVEL` stands for: `info`, or `info,handlers=debug`.
pub fn filter(level: &str) -> Option<Targets> {
    level.parse().ok()
}

/// The configuration with one more fault if its `LOG_LEVEL` can't be read: the filter belongs to
/// this logger, so its grammar is checked here.
pub fn check_level(
    config: Result<Config, Faults>,
    level: Option<String>,
) -> Result<Config, Faults> {
    let level = level.filter(|level| !level.trim().is_empty());
    if level.is_none_or(|level| filter(level.trim()).is_some()) {
        return config;
    }
    let mut faults = config.err().map_or_else(Vec::new, |faults| faults.0);
    faults.push(
        "LOG_LEVEL must be a level such as info, or a filter such as info,handlers=debug."
            .to_owned(),
    );
    Err(Faults(faults))
}

/// Starts logging for the whole process, panics included. A level that [`filter`] can't read
/// counts as `info`.
pub fn start<W>(log: &Log, colour: bool, now: fn() -> Timestamp, lines: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter =
        filter(&log.level).unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO));
    let layer = tracing_subscriber::fmt::layer().with_writer(lines).with_timer(Clock(now));
    let layer = match log.format {
        LogFormat::Json => {
            layer.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
        LogFormat::Pretty => layer.with_ansi(colour).boxed(),
    };
    // Fails only where a logger was set before, as in tests.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    panic::set_hook(Box::new(on_panic));
}

/// A panic is a record like any other; the request that it ended is answered 500.
fn on_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let message = payload.downcast_ref::<&str>().copied();
    let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let message = message.unwrap_or("of no text");
    let location = panic.location().map_or_else(String::new, ToString::to_string);
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    tracing::error!(location, thread, panic = message, "panicked");
}

/// RFC 3339 in UTC with milliseconds, as everywhere.
struct Clock(fn() -> Timestamp);

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.write_str(&(self.0)().rfc3339())
    }
}
