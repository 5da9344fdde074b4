//! Log records to stdout: one JSON object a line, or text for people.
//!
//! A request only appends its line to a buffer; a thread of its own writes that out, many
//! lines at once when there are many. So a slow reader of stdout does not hold up requests: when
//! it is `FULL` bytes behind, lines are dropped and counted. [`Guard`] writes what is left.

mod buffer;

use std::{io, sync::Arc, time::SystemTime};

use shared::{Timestamp, config::Log, logging};
use tracing_subscriber::fmt::MakeWriter;

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

/// Starts logging for the whole process.
pub fn start(log: &Log) -> io::Result<Guard> {
    let buffer = Buffer::start(io::stdout())?;
    let lines = Lines(Arc::clone(&buffer));
    logging::start(log, io::IsTerminal::is_terminal(&io::stdout()), now, lines);
    Ok(Guard(buffer))
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
