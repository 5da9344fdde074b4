//! Threads for pure computation: hashing a password takes hundreds of milliseconds, which no
//! request thread can spare.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Instant,
};

use tokio::sync::oneshot;
use trireme_core::host::Busy;

use crate::metrics::Computing;

/// Jobs that may wait: some seconds of work. Whoever comes later is better off with a quick
/// 503 than with a deadline that passes in the queue.
const QUEUE: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// The threads and their queue.
pub struct Hashing {
    queue: SyncSender<Job>,
    metrics: Computing,
}

impl Hashing {
    /// `threads` at least 1.
    pub fn start(threads: usize, metrics: Computing) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..threads {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new().name("trireme-hash".to_owned()).spawn(move || work(&jobs))?;
        }
        Ok(Self { queue, metrics })
    }

    /// Runs `work` on one of the threads. A panic in it goes on in the caller.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        let metrics = self.metrics.clone();
        let job: Job = Box::new(move || {
            metrics.waiting.dec();
            // The request may have given up while its job waited.
            if answer.is_closed() {
                return;
            }
            let started = Instant::now();
            let result = catch_unwind(AssertUnwindSafe(work));
            metrics.seconds.observe(started.elapsed().as_secs_f64());
            let _ = answer.send(result);
        });
        self.metrics.waiting.inc();
        if self.queue.try_send(job).is_err() {
            self.metrics.waiting.dec();
            self.metrics.rejected.inc();
            return Err(Busy);
        }
        match answered.await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(Busy),
        }
    }
}

/// How much less of a processor a hash is due than a request, where both want it: a request is over
/// before a hash would notice.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// One thread's life; it ends with the [`Hashing`].
fn work(jobs: &Mutex<Receiver<Job>>) {
    // On Linux each thread has a priority of its own. Where it can't be lowered, all are equal.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICE);
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::{Program, metrics::Metrics};

    fn hashing() -> Hashing {
        Hashing::start(1, Metrics::new(&Program::of::<trireme_tasks::Tasks>(&[])).computing.clone())
            .unwrap()
    }

    #[tokio::test]
    async fn refuses_more_than_the_queue_holds() {
        let hashing = hashing();
        let (begun, began) = mpsc::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let first = hashing.run(move || {
            begun.send(()).unwrap();
            let _ = wait.recv();
            1
        });
        let mut first = Box::pin(first);
        assert!(futures_util::poll!(&mut first).is_pending());
        began.recv().unwrap();
        let mut waiting: Vec<_> = (0..QUEUE).map(|_| Box::pin(hashing.run(|| 2))).collect();
        for job in &mut waiting {
            assert!(futures_util::poll!(job).is_pending());
        }
        assert_eq!(hashing.run(|| 3).await, Err(Busy));
        drop(go_on);
        assert_eq!(first.await, Ok(1));
        for job in waiting {
            assert_eq!(job.await, Ok(2));
        }
        assert_eq!(hashing.run(|| 3).await, Ok(3));
        assert_eq!(hashing.metrics.rejected.get(), 1);
        assert_eq!(hashing.metrics.waiting.get(), 0);
    }

    #[tokio::test]
    async fn a_panic_reaches_its_caller_alone() {
        let hashing = hashing();
        let fails = AssertUnwindSafe(hashing.run(|| panic!("on purpose")));
        assert!(fails.catch_unwind().await.is_err());
        assert_eq!(hashing.run(|| 4).await, Ok(4));
    }
}
