//! Log records: one JSON object a line, or text for people. Where lines go is the host's.

use std::{
    fmt, io,
    panic::{self, PanicHookInfo},
};

use tracing::{Metadata, Subscriber, field::Field};
use tracing_subscriber::{
    Layer as _,
    field::MakeExt as _,
    filter::Targets,
    fmt::{
        MakeWriter,
        format::{Writer, debug_fn},
        time::FormatTime,
    },
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    Timestamp,
    config::{Filter, Log, LogFormat},
    printable::{printable, printable_json},
};

/// Starts logging for the whole process, panics included.
pub fn start<W>(log: &Log, colour: bool, now: fn() -> Timestamp, lines: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // Fails only where a logger was set before, as in tests.
    let _ = subscriber(log, colour, now, lines).try_init();
    panic::set_hook(Box::new(on_panic));
}

fn subscriber<W>(
    log: &Log,
    colour: bool,
    now: fn() -> Timestamp,
    lines: W,
) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let Filter { default, targets } = log.filter.clone();
    let filter = Targets::new().with_default(default).with_targets(targets);
    let layer = tracing_subscriber::fmt::layer().with_timer(Clock(now));
    let layer = match log.format {
        LogFormat::Json => {
            let layer = layer.json().flatten_event(true).with_current_span(false);
            layer.with_span_list(false).with_writer(Escaped(lines)).boxed()
        }
        LogFormat::Pretty => {
            let fields = debug_fn(write_field).delimited(" ");
            layer.fmt_fields(fields).with_ansi(colour).with_writer(lines).boxed()
        }
    };
    tracing_subscriber::registry().with(layer.with_filter(filter))
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

/// A field of a record for people: what came from elsewhere steers no terminal and begins no line.
fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let text = format!("{value:?}");
    let text = printable(&text);
    match field.name() {
        "message" => writer.write_str(&text),
        name if writer.has_ansi_escapes() => {
            write!(writer, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m{text}")
        }
        name => write!(writer, "{name}={text}"),
    }
}

/// Records in JSON, in which JSON's own escapes stand for what would steer a terminal.
struct Escaped<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Escaped<W> {
    type Writer = Escaped<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Escaped(self.0.make_writer())
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        Escaped(self.0.make_writer_for(metadata))
    }
}

impl<W: io::Write> io::Write for Escaped<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let plain = record.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n'));
        match str::from_utf8(record) {
            Ok(text) if !plain => self.0.write_all(printable_json(text).as_bytes())?,
            _ => self.0.write_all(record)?,
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// RFC 3339 in UTC with milliseconds, as everywhere.
struct Clock(fn() -> Timestamp);

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.write_str(&(self.0)().rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, colour: bool) -> String {
        let sink = Sink::default();
        let lines = sink.clone();
        let log = Log { filter: Filter::default(), format };
        let subscriber =
            subscriber(&log, colour, || Timestamp::from_millis(0), move || lines.clone());
        with_default(subscriber, || {
            let hostile = "a\u{1b}[2J\u{9b}1m\u{202e}\nINFO forged";
            tracing::warn!(error = %hostile, name = hostile, "{hostile}");
        });
        let text = sink.0.lock().unwrap().clone();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn no_record_steers_a_terminal_or_forges_another() {
        for format in [LogFormat::Json, LogFormat::Pretty] {
            let text = logged(format, false);
            assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{text}");
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.contains("WARN"), "{text}");
        }
        let json: serde_json::Value =
            serde_json::from_str(&logged(LogFormat::Json, false)).unwrap();
        assert_eq!(json["name"], "a\u{1b}[2J\u{9b}1m\u{202e}\nINFO forged");
        assert_eq!(json["message"], json["name"]);
        let coloured = logged(LogFormat::Pretty, true);
        assert!(
            coloured.contains("\u{1b}[3mname") && !coloured.contains("\u{1b}[2J"),
            "{coloured}"
        );
    }
}
