//! How fast a client takes its answer, and what becomes of one that is too slow.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    pin::{Pin, pin},
    rc::Rc,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::time::{Sleep, sleep_until};

use crate::budget::Share;

/// The least that counts as progress, unless it is all that was left.
pub const STEP: usize = 16 << 10;

tokio::task_local! {
    static PACE: Rc<Pace>;
}

/// The answer that one stream of HTTP/2, or one connection of HTTP/1, is writing.
#[derive(Default)]
pub struct Pace {
    /// The last progress; `None` while there is no answer.
    since: Cell<Option<Instant>>,
    /// Bytes since then.
    taken: Cell<usize>,
    share: RefCell<Option<Share>>,
    /// The protocol has the whole answer, though the socket may not.
    written: Cell<bool>,
}

impl Pace {
    /// That of the work which [`keep`] runs.
    pub fn current() -> Rc<Self> {
        PACE.try_with(Rc::clone).unwrap_or_default()
    }

    /// An answer that holds `share` waits to be taken.
    pub fn begin(&self, share: Share, now: Instant) {
        self.written.set(false);
        // Of answers that follow each other closely, the first one's clock runs on.
        if self.since.get().is_none() {
            self.taken.set(0);
            self.since.set(Some(now));
        }
        let mut held = self.share.borrow_mut();
        match &*held {
            Some(first) => first.absorb(&share),
            None => *held = Some(share),
        }
    }

    /// Whether an answer waits to be taken.
    pub fn is_kept(&self) -> bool {
        self.since.get().is_some()
    }

    /// The client has taken so many bytes.
    pub fn moved(&self, bytes: usize) {
        if self.since.get().is_none() {
            return;
        }
        if let Some(share) = &*self.share.borrow() {
            share.moved(bytes);
        }
        let taken = self.taken.get() + bytes;
        if taken >= STEP {
            self.since.set(Some(Instant::now()));
        }
        self.taken.set(taken % STEP);
    }

    pub fn written(&self) {
        self.written.set(true);
    }

    /// The socket has taken all that the protocol had.
    pub fn flushed(&self) {
        if self.written.get() {
            self.end();
        }
    }

    /// The answer was taken, or given up.
    pub fn end(&self) {
        self.since.set(None);
        self.share.take();
    }
}

/// Runs `work`, which writes answers, unless its client makes no progress for `limit` or is cut off
/// to make room: then `work` is dropped.
pub async fn keep<F: Future>(
    limit: Duration,
    work: impl FnOnce(Rc<Pace>) -> F,
) -> Option<F::Output> {
    let pace = Rc::<Pace>::default();
    let mut work = pin!(PACE.scope(Rc::clone(&pace), work(Rc::clone(&pace))));
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|context| {
        if let Poll::Ready(output) = work.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        let Some(since) = pace.since.get() else { return Poll::Pending };
        let share = pace.share.borrow();
        if share.as_ref().is_some_and(|share| share.poll_cut(context).is_ready()) {
            return Poll::Ready(None);
        }
        let deadline = since + limit;
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(deadline.into())));
        while timer.as_mut().poll(context).is_ready() {
            if deadline <= Instant::now() {
                share.iter().for_each(Share::stalled);
                return Poll::Ready(None);
            }
            timer.as_mut().reset(deadline.into());
        }
        Poll::Pending
    })
    .await
}
