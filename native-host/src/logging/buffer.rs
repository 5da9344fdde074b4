use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// How far the output may lag behind, in bytes, before lines are dropped: minutes of an
/// ordinary load, a fraction of a second of the greatest.
const FULL: usize = 8 << 20;
/// A buffer that has grown beyond this is given back once it is written.
const KEPT: usize = 256 << 10;

/// The beginning of the record that stands for lines that were dropped; their number follows.
const DROPPED: &str = r#"{"level":"WARN","message":"log lines were dropped","lines":"#;

/// How long lines gather before they are written together.
const GATHER: Duration = Duration::from_millis(5);

/// Lines on their way to the output.
pub struct Buffer {
    pending: Mutex<Pending>,
    /// Something is to be written.
    filled: Condvar,
    /// Nothing is.
    emptied: Condvar,
}

#[derive(Default)]
struct Pending {
    lines: Vec<u8>,
    dropped: u64,
    /// The thread waits for lines and has to be woken.
    idle: bool,
}

/// The thread's own, so that lines stay in order.
struct Output<W> {
    sink: W,
    spare: Vec<u8>,
    /// The last lines could not be written, and stderr was told so.
    told: bool,
}

impl Buffer {
    /// Starts the thread that writes to `sink`, for as long as the process lives.
    pub fn start(sink: impl Write + Send + 'static) -> io::Result<Arc<Self>> {
        let mut output = Output { sink, spare: Vec::new(), told: false };
        let buffer = Arc::new(Self {
            pending: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
        });
        let writer = Arc::clone(&buffer);
        thread::Builder::new().name("trireme-log".to_owned()).spawn(move || {
            loop {
                writer.wait();
                // Under load it comes back by itself: no request has to wake it.
                loop {
                    thread::sleep(GATHER);
                    if !writer.write_out(&mut output) {
                        break;
                    }
                }
            }
        })?;
        Ok(buffer)
    }

    fn wait(&self) {
        let mut pending = lock(&self.pending);
        while pending.lines.is_empty() && pending.dropped == 0 {
            pending.idle = true;
            self.emptied.notify_all();
            pending = self.filled.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
        pending.idle = false;
    }

    /// Waits until all that is there is written, for `limit` at most.
    pub fn finish(&self, limit: Duration) {
        let pending = lock(&self.pending);
        let is_left = |pending: &mut Pending| {
            !pending.idle || !pending.lines.is_empty() || pending.dropped > 0
        };
        drop(self.emptied.wait_timeout_while(pending, limit, is_left));
    }

    /// Writes out all that is there; whether there was anything. What can't be written is lost; the
    /// server goes on.
    fn write_out<W: Write>(&self, output: &mut Output<W>) -> bool {
        let Output { sink, spare, told } = output;
        let dropped = {
            let mut pending = lock(&self.pending);
            std::mem::swap(&mut pending.lines, spare);
            std::mem::take(&mut pending.dropped)
        };
        if spare.is_empty() && dropped == 0 {
            return false;
        }
        let mut written = sink.write_all(spare);
        if dropped > 0 {
            written = written.and_then(|()| writeln!(sink, "{DROPPED}{dropped}}}"));
        }
        let lost = written.and_then(|()| sink.flush()).err();
        if let Some(error) = lost.as_ref().filter(|_| !*told) {
            let _ = writeln!(io::stderr(), "The log can't be written: {error}.");
        }
        *told = lost.is_some();
        spare.clear();
        spare.shrink_to(KEPT);
        true
    }
}

/// One call is one record.
impl Write for &Buffer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut pending = lock(&self.pending);
        if pending.lines.len() + line.len() > FULL {
            pending.dropped += 1;
        } else {
            pending.lines.extend_from_slice(line);
        }
        let wake = std::mem::take(&mut pending.idle);
        drop(pending);
        if wake {
            self.filled.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// An output that takes nothing until it is let.
    struct Gate(mpsc::Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            lock(&self.1).extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_an_output_that_takes_nothing() {
        let (_open, gate) = mpsc::channel();
        let buffer = Buffer::start(Gate(gate, Arc::default())).unwrap();
        (&*buffer).write_all(b"unheard\n").unwrap();
        buffer.finish(Duration::from_millis(50));
    }

    #[test]
    fn drops_what_nobody_takes_and_counts_it() {
        let written = Arc::default();
        let (open, gate) = mpsc::channel();
        let buffer = Buffer::start(Gate(gate, Arc::clone(&written))).unwrap();
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        let total = 3 * FULL / line.len();
        for _ in 0..total {
            (&*buffer).write_all(&line).unwrap();
        }
        drop(open);
        buffer.finish(Duration::from_secs(60));
        let written = String::from_utf8(lock(&written).clone()).unwrap();
        let (mut kept, mut dropped) = (0, 0);
        for line in written.lines() {
            match line.strip_prefix(DROPPED) {
                Some(count) => dropped += count.trim_end_matches('}').parse::<usize>().unwrap(),
                None => kept += line.len() / 1023,
            }
        }
        assert!(dropped > 0);
        assert_eq!(kept + dropped, total);
    }
}
