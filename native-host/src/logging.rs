//! Log records to stdout: one JSON object a line, or text for people.
//!
//! A request only appends its line to a buffer; a thread of its own writes that out, many
//! lines at once when there are many. So a slow reader of stdout does not hold up requests: when
//! it is `FULL` bytes behind, lines are dropped and counted. [`Guard`] writes what is left.

mod buffer;

use std::{
    fmt, io,
    panic::{self, PanicHookInfo},
    sync::Arc,
    time::SystemTime,
};

use shared::{
    Timestamp,
    config::{Log, LogFormat},
};
use tracing_subscriber::{
    Layer as _,
    filter::Targets,
    fmt::{MakeWriter, format::Writer, time::FormatTime},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use self::buffer::Buffer;

/// Keep it until the process ends: dropping it writes out the last lines.
pub struct Guard(Arc<Buffer>);

impl Guard {
    /// Writes plain text between the records.
    pub fn write(&self, text: &str) {
        // A buffer takes everything.
        let _ = io::Write::write_all(&mut &*self.0, text.as_bytes());
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// The filter that `LOG_LEVEL` stands for: `info`, or `info,handlers=debug`.
pub fn filter(level: &str) -> Option<Targets> {
    level.parse().ok()
}

/// Starts logging for the whole process. The level must be one that [`filter`] reads.
pub fn start(log: &Log) -> io::Result<Guard> {
    let buffer = Buffer::start(io::stdout())?;
    let lines = Lines(Arc::clone(&buffer));
    let filter =
        filter(&log.level).unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO));
    let layer = tracing_subscriber::fmt::layer().with_writer(lines).with_timer(Clock);
    let layer = match log.format {
        LogFormat::Json => {
            layer.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
        LogFormat::Pretty => layer.with_ansi(io::IsTerminal::is_terminal(&io::stdout())).boxed(),
    };
    // Fails only where a logger was set before, as in tests.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    panic::set_hook(Box::new(on_panic));
    Ok(Guard(buffer))
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
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.write_str(&now().rfc3339())
    }
}

/// The system's clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(since.as_millis() as i64)
}

/// Gives every record the way to the buffer.
struct Lines(Arc<Buffer>);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Buffer;

    fn make_writer(&'a self) -> Self::Writer {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_last_lines_are_written_before_the_end() {
        let sink = Sink::default();
        let guard = Guard(Buffer::start(sink.clone()).unwrap());
        guard.write("last words");
        drop(guard);
        assert_eq!(*sink.0.lock().unwrap(), b"last words");
    }
}
