//! Log records to stdout: one JSON object a line, or text for people.
//!
//! A request only appends its line to a buffer; a thread of its own writes that out, many
//! lines at once when there are many. So a slow reader of stdout does not hold up requests: when
//! it is `FULL` bytes behind, lines are dropped and counted. [`Guard`] waits for the last ones, but
//! not for ever: nobody may be reading.

mod buffer;

use std::{
    fs::File,
    io::{self, IsTerminal},
    os::fd::AsFd,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tracing_subscriber::fmt::MakeWriter;
use trireme_core::{Timestamp, config::Log, logging};

use self::buffer::Buffer;

/// How long the end of the process waits for the last lines to be taken.
const LAST_WORDS: Duration = Duration::from_secs(1);

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
        self.0.finish(LAST_WORDS);
    }
}

/// Starts logging for the whole process: a server's to stdout, and to stderr a command's whose output is
/// its own.
pub fn start(log: &Log, output: &(impl AsFd + IsTerminal)) -> io::Result<Guard> {
    // Not by way of `std::io::Stdout`, whose lock and buffer an exit of the process asks for.
    let buffer = Buffer::start(File::from(output.as_fd().try_clone_to_owned()?))?;
    let lines = Lines(Arc::clone(&buffer));
    logging::start(log, output.is_terminal(), now, lines);
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
