//! Log records: one JSON object a line, or text for people. Where lines go is the host's.

use std::{
    fmt,
    io::Write as _,
    panic::{self, PanicHookInfo},
};

use serde::Serialize;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    field::MakeExt as _,
    filter::Targets,
    fmt::{
        MakeWriter,
        format::{Writer, debug_fn},
        time::FormatTime,
    },
    layer::{Context, SubscriberExt as _},
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
    let layer = match log.format {
        LogFormat::Json => Json { now, lines }.boxed(),
        LogFormat::Pretty => {
            let layer = tracing_subscriber::fmt::layer().with_timer(Clock(now));
            let fields = debug_fn(write_field).delimited(" ");
            layer.fmt_fields(fields).with_ansi(colour).with_writer(lines).boxed()
        }
    };
    tracing_subscriber::registry().with(layer).with(filter)
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

/// Records in JSON, in which JSON's own escapes stand for what would steer a terminal. Every request
/// has one: it is put together in one piece, without the layers of a formatter for any format.
struct Json<W> {
    now: fn() -> Timestamp,
    lines: W,
}

/// Nearly every record's size.
const RECORD: usize = 512;

impl<S: Subscriber, W: for<'a> MakeWriter<'a> + 'static> Layer<S> for Json<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut record = Members(Vec::with_capacity(RECORD));
        record.add("timestamp", &*(self.now)().rfc3339());
        record.add("level", metadata.level().as_str());
        event.record(&mut record);
        record.add("target", metadata.target());
        let Members(mut record) = record;
        record.extend_from_slice(b"}\n");
        // What comes before the space is escaped in any JSON.
        let plain = record.is_ascii() && !record.contains(&b'\x7f');
        let mut lines = self.lines.make_writer_for(metadata);
        // There is nowhere to tell of a record that can't be written.
        let _ = match str::from_utf8(&record) {
            Ok(text) if !plain => lines.write_all(printable_json(text).as_bytes()),
            _ => lines.write_all(&record),
        };
    }
}

/// The members of a JSON object, as far as they are written.
struct Members(Vec<u8>);

impl Members {
    /// The name is a word of some program's source: there is nothing in it to escape.
    fn add<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.0.extend_from_slice(if self.0.is_empty() { b"{\"" } else { b",\"" });
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        // A Vec takes everything.
        let _ = serde_json::to_writer(&mut self.0, value);
    }
}

impl Visit for Members {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field.name(), &format_args!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), &value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), &value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), &value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), &value);
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
    use std::{
        io,
        sync::{Arc, Mutex},
    };

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
        let hostile = "a\u{1b}[2J\u{9b}1m\u{202e}\nINFO forged";
        written(format, colour, || {
            tracing::warn!(error = %hostile, name = hostile, "{hostile}");
        })
    }

    fn written(format: LogFormat, colour: bool, say: impl FnOnce()) -> String {
        let sink = Sink::default();
        let lines = sink.clone();
        let log = Log { filter: Filter::default(), format };
        let subscriber =
            subscriber(&log, colour, || Timestamp::from_millis(0), move || lines.clone());
        with_default(subscriber, say);
        let text = sink.0.lock().unwrap().clone();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_record_is_one_object_a_line() {
        let text = written(LogFormat::Json, false, || {
            tracing::info!(
                target: "request",
                status = 200_u16,
                left = -1,
                seconds = 0.5,
                complete = true,
                route = Some("/a\"b\\{id}"),
                user = None::<&str>,
                address = %"::1",
                refusal = ?Some(1),
                "request"
            );
            tracing::debug!("of no interest");
            tracing::error!("\u{7f}é");
        });
        let time = r#"{"timestamp":"1970-01-01T00:00:00.000Z","level":"#;
        let request = r#""INFO","message":"request","status":200,"left":-1,"seconds":0.5,"complete":true,"route":"/a\"b\\{id}","address":"::1","refusal":"Some(1)","target":"request"}"#;
        let error = r#""ERROR","message":"\u007fé","target":"trireme_core::logging::tests"}"#;
        assert_eq!(text, format!("{time}{request}\n{time}{error}\n"));
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
