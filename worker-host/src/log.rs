//! Log records to the console, which is where the platform collects them.

use std::io::{self, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;
use trireme_core::{config::Log, logging};
use worker::{console_error, console_log, console_warn};

use crate::platform;

/// Starts logging for the isolate, panics included.
pub fn start(log: &Log) {
    logging::start(log, false, platform::now, Console);
}

struct Console;

impl MakeWriter<'_> for Console {
    type Writer = Record;

    fn make_writer(&self) -> Record {
        Record(Level::INFO)
    }

    fn make_writer_for(&self, metadata: &Metadata<'_>) -> Record {
        Record(*metadata.level())
    }
}

/// One record; it is written in one piece.
struct Record(Level);

impl Write for Record {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = text.trim_end();
        match self.0 {
            Level::ERROR => console_error!("{line}"),
            Level::WARN => console_warn!("{line}"),
            _ => console_log!("{line}"),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
