//! What is known about one connection, and until when it may stay as it is.
//!
//! Its socket, its requests and its task share a [`Watch`]. Timers are lazy: a request only
//! moves a `Cell`, and the task looks at the clock when its timer fires.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    rc::Rc,
    task::Poll,
    time::Instant,
};

use tokio::{sync::Notify, time::sleep_until};

use super::{
    Limits,
    framing::{Framing, Verdict},
};

/// A drain, as the connections of one thread see it.
#[derive(Default)]
pub struct Drain {
    since: Cell<Option<Instant>>,
    begun: Notify,
}

impl Drain {
    /// Every connection is told; it is idle for [`Limits::quiet`] at most from now on.
    pub fn begin(&self) {
        self.since.set(Some(Instant::now()));
        self.begun.notify_waiters();
    }

    pub fn has_begun(&self) -> bool {
        self.since.get().is_some()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing is under way.
    Idle,
    /// A part of a request's head has arrived (HTTP/1).
    Head,
    /// Bytes are on their way to the client.
    Writing,
    /// Told to end, once nothing is in flight.
    Ending,
    /// Answered and closed for writing; what the client still sends is thrown away.
    Lingering,
}

/// Why a connection may not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// It was idle: end it in good form.
    Idle,
    /// Whatever it was doing, it took too long: drop it.
    Stuck,
}

pub struct Watch {
    limits: Limits,
    drain: Rc<Drain>,
    stage: Cell<Stage>,
    /// The beginning of the stage, except for [`Stage::Writing`], which keeps that of the stage
    /// it interrupts.
    since: Cell<Instant>,
    /// When the socket last took bytes.
    progress: Cell<Instant>,
    /// There is an answer that the socket has not taken yet.
    answering: Cell<bool>,
    in_flight: Cell<u32>,
    /// At least one request was answered.
    served: Cell<bool>,
    /// The client has sent, or is sending, bytes that no request will read.
    unread: Cell<bool>,
    /// Absent for HTTP/2, whose framing leaves nothing to argue about.
    framing: Option<RefCell<Framing>>,
}

impl Watch {
    pub fn new(limits: Limits, drain: Rc<Drain>, http1: bool, accepted: Instant) -> Self {
        Self {
            limits,
            drain,
            stage: Cell::new(Stage::Idle),
            since: Cell::new(accepted),
            progress: Cell::new(accepted),
            answering: Cell::new(false),
            in_flight: Cell::new(0),
            served: Cell::new(false),
            unread: Cell::new(false),
            framing: http1.then(RefCell::default),
        }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn draining(&self) -> bool {
        self.drain.has_begun()
    }

    fn enter(&self, stage: Stage) {
        self.stage.set(stage);
        self.since.set(Instant::now());
    }

    /// The socket has received `bytes`.
    pub fn received(&self, bytes: &[u8]) {
        let Some(framing) = &self.framing else { return };
        framing.borrow_mut().follow(bytes);
        if self.in_flight.get() > 0 {
            return;
        }
        // Until a request begins with them: hyper may refuse the head.
        self.unread.set(true);
        if self.stage.get() == Stage::Idle {
            if self.served.get() {
                self.enter(Stage::Head);
            } else {
                // A new connection's time runs since it was accepted.
                self.stage.set(Stage::Head);
            }
        }
    }

    /// The socket has taken bytes.
    pub fn sent(&self) {
        if self.stage.get() != Stage::Ending {
            self.stage.set(Stage::Writing);
            self.progress.set(Instant::now());
        }
    }

    /// The socket has taken all there was. The client has been idle since an answer was
    /// complete; that HTTP/2 has asked it whether it is alive does not count.
    pub fn flushed(&self) {
        if self.stage.get() == Stage::Writing {
            self.stage.set(Stage::Idle);
            if self.answering.take() {
                self.since.set(self.progress.get());
            }
        }
    }

    /// The client has closed its side: there is nothing left to read.
    pub fn ended(&self) {
        self.unread.set(false);
    }

    /// Whether the socket has to be drained before it closes.
    pub fn has_unread(&self) -> bool {
        self.unread.get()
    }

    pub fn is_lingering(&self) -> bool {
        self.stage.get() == Stage::Lingering
    }

    pub fn linger(&self) {
        self.enter(Stage::Lingering);
    }

    /// A request is answered while its body is still being sent.
    pub fn leave_unread(&self) {
        self.unread.set(true);
    }

    /// How the head of the next request reads; [`Verdict::Clear`] in HTTP/2.
    pub fn verdict(&self) -> Verdict {
        self.framing.as_ref().map_or(Verdict::Clear, |framing| framing.borrow_mut().next())
    }

    pub fn is_http1(&self) -> bool {
        self.framing.is_some()
    }

    /// Counts a request as in flight until the guard is dropped.
    pub fn request(self: &Rc<Self>) -> InFlight {
        self.in_flight.set(self.in_flight.get() + 1);
        self.unread.set(false);
        if self.stage.get() != Stage::Ending {
            self.stage.set(Stage::Idle);
        }
        InFlight(Rc::clone(self))
    }

    /// Until when the connection may stay as it is; `None` while a request is being answered,
    /// which has deadlines of its own.
    fn deadline(&self) -> Option<Instant> {
        if self.in_flight.get() > 0 {
            return None;
        }
        let since = self.since.get();
        Some(match (self.stage.get(), self.drain.since.get()) {
            (Stage::Writing, _) => self.progress.get() + self.limits.write,
            (Stage::Ending, _) => since + self.limits.write,
            (Stage::Lingering, _) => since + self.limits.linger,
            (Stage::Idle, Some(drain)) => since.max(drain) + self.limits.quiet,
            (Stage::Idle, None) if self.served.get() => since + self.limits.idle,
            (Stage::Head, _) | (Stage::Idle, None) => since + self.limits.head,
        })
    }

    /// Runs a part of the connection's life, as long as it keeps within its limits. After
    /// [`Overdue::Idle`] the caller ends the connection in good form and calls again.
    pub async fn guard<T>(&self, part: impl Future<Output = T>) -> Result<T, Overdue> {
        let mut part = pin!(part);
        let mut armed = self.deadline().unwrap_or_else(|| Instant::now() + self.limits.idle);
        let mut timer = pin!(sleep_until(armed.into()));
        let mut drain = pin!(self.drain.begun.notified());
        let mut drain_seen = self.drain.has_begun();
        std::future::poll_fn(|context| {
            if let Poll::Ready(output) = part.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            // Registers for the wake-up; what it means is in the deadline.
            drain_seen = drain_seen || drain.as_mut().poll(context).is_ready();
            let Some(deadline) = self.deadline() else { return Poll::Pending };
            if deadline < armed {
                armed = deadline;
                timer.as_mut().reset(armed.into());
            }
            while timer.as_mut().poll(context).is_ready() {
                if deadline <= Instant::now() {
                    let idle = self.stage.get() == Stage::Idle;
                    if idle {
                        self.enter(Stage::Ending);
                    }
                    return Poll::Ready(Err(if idle { Overdue::Idle } else { Overdue::Stuck }));
                }
                armed = deadline;
                timer.as_mut().reset(armed.into());
            }
            Poll::Pending
        })
        .await
    }
}

/// A request that is being answered.
pub struct InFlight(Rc<Watch>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let watch = &self.0;
        watch.in_flight.set(watch.in_flight.get() - 1);
        watch.served.set(true);
        watch.answering.set(true);
        watch.since.set(Instant::now());
    }
}
