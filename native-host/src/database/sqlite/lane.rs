//! Threads that share a queue, each with a connection of its own.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{AcqRel, Relaxed},
        },
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::{sync::oneshot, time::timeout};
use trireme_core::sql::DatabaseError;

use super::worker::{Deadline, Worker};
use crate::database::stats::{Counted, Meter};

/// Batches that may wait; their time runs out long before.
const QUEUE: usize = 1024;

type Job = Box<dyn FnOnce(&mut Worker<'_>) + Send>;

/// A queue and the threads behind it; they end when it is dropped.
pub struct Lane {
    /// `None` only while it is being dropped.
    queue: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
    meter: Arc<Meter>,
}

impl Lane {
    /// `connections` with the deadlines that they ask.
    pub fn start(
        name: &str,
        connections: Vec<(Connection, Arc<Deadline>)>,
        meter: Arc<Meter>,
    ) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = connections
            .into_iter()
            .map(|(connection, deadline)| {
                let (jobs, meter) = (Arc::clone(&jobs), Arc::clone(&meter));
                thread::Builder::new().name(name.to_owned()).spawn(move || {
                    let _open = Counted::new(&meter.open);
                    work(&jobs, &connection, deadline, &meter.busy);
                })
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { queue: Some(queue), threads, meter })
    }

    /// Runs `work` on one of the threads if one takes it within `patience`. A caller that
    /// goes away before that has not asked; after it, the work is done to its end.
    pub async fn run<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce(&mut Worker<'_>) -> T + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let (answer, mut answered) = oneshot::channel();
        // Whoever sets it first decides: the thread that begins, or the caller that gives up.
        let taken = Arc::new(AtomicBool::new(false));
        let queued = Queued::new(Arc::clone(&self.meter));
        let job: Job = Box::new({
            let taken = Arc::clone(&taken);
            move |worker| {
                queued.begin();
                if !answer.is_closed() && !taken.swap(true, AcqRel) {
                    let _ = answer.send(work(worker));
                }
            }
        });
        let queue = self.queue.as_ref().ok_or_else(ended)?;
        if queue.try_send(job).is_err() {
            return Err(self.exhausted("too many batches wait for SQLite"));
        }
        match timeout(patience, &mut answered).await {
            Ok(done) => done.map_err(|_| ended()),
            Err(_) if taken.swap(true, AcqRel) => answered.await.map_err(|_| ended()),
            Err(_) => Err(self.exhausted("SQLite is busy with others")),
        }
    }

    fn exhausted(&self, cause: &str) -> DatabaseError {
        self.meter.exhausted();
        DatabaseError::Unavailable(cause.to_owned())
    }
}

/// Waits for what is being written, so that the process leaves a file without a log beside it.
impl Drop for Lane {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn ended() -> DatabaseError {
    DatabaseError::Failed("a thread of SQLite gave no answer".to_owned())
}

/// One thread's life.
fn work(
    jobs: &Mutex<Receiver<Job>>,
    connection: &Connection,
    deadline: Arc<Deadline>,
    busy: &AtomicUsize,
) {
    let mut worker = Worker::new(connection, deadline);
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        let _busy = Counted::new(busy);
        // The caller learns of a panic by the answer that does not come.
        if catch_unwind(AssertUnwindSafe(|| job(&mut worker))).is_err() {
            worker.roll_back();
        }
    }
}

/// A job in the queue, counted until it begins or is thrown away.
struct Queued {
    since: Instant,
    meter: Arc<Meter>,
}

impl Queued {
    fn new(meter: Arc<Meter>) -> Self {
        meter.waiting.fetch_add(1, Relaxed);
        Self { since: Instant::now(), meter }
    }

    fn begin(self) {
        self.meter.waited(self.since.elapsed());
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.meter.waiting.fetch_sub(1, Relaxed);
    }
}
