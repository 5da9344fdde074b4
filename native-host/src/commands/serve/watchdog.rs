//! The end that comes in any case.

use std::{
    io, process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

/// How long an orderly exit may take before the process is taken down: the hooks of the C library
/// run in it.
const EXIT: Duration = Duration::from_millis(200);

/// Ends the process when its time is up, whatever hangs: a thread that computes, SQLite, an output
/// that nobody reads.
pub struct Watchdog {
    /// Every request was answered: it ends with 0, and with 1 otherwise.
    complete: Arc<AtomicBool>,
}

impl Watchdog {
    /// The process has `left` from now on.
    pub fn start(left: Duration) -> io::Result<Self> {
        let complete = Arc::<AtomicBool>::default();
        let code = Arc::clone(&complete);
        thread::Builder::new().name("trireme-watchdog".to_owned()).spawn(move || {
            thread::sleep(left);
            thread::spawn(|| {
                thread::sleep(EXIT);
                process::abort();
            });
            process::exit(i32::from(!code.load(Relaxed)));
        })?;
        Ok(Self { complete })
    }

    pub fn complete(&self) {
        self.complete.store(true, Relaxed);
    }
}
