//! What is known about one connection, and until when it may stay as it is.
//!
//! Its socket, its requests and its task share a [`Watch`]. Timers are lazy: a request only
//! moves a `Cell`, and the task looks at the clock when its timer fires.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::{io::ReadBuf, sync::Notify, time::sleep_until};

use super::{
    Limits,
    framing::{Framing, Verdict},
    guests::Guest,
    pace::Pace,
};
use crate::budget::Share;

/// A head up to this size is not counted until it is complete: that of a health probe, above all.
const SMALL_HEAD: usize = 4 << 10;

/// How long an extra may stay, and one that was sent away may take to go.
const SHORTLY: Duration = Duration::from_secs(5);

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

/// How long a connection of HTTP/1 is idle before it rests: long enough for a page that asks for one
/// thing after the other.
const REST: Duration = Duration::from_millis(500);

/// What has to happen to a connection whose time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// Keep no more for it than its socket, until the client speaks again (HTTP/1).
    Rest,
    /// End it in good form.
    End,
    /// Drop it: whatever it was doing, it took too long.
    Drop,
}

pub struct Watch {
    limits: Limits,
    drain: Rc<Drain>,
    guest: Arc<Guest>,
    accepted: Instant,
    /// When the connection's task was last called, while it is at work.
    polled: Cell<Option<Instant>>,
    /// Of the answer that is being written (HTTP/1).
    pace: Rc<Pace>,
    /// What the connection holds while no request is in flight.
    share: Share,
    /// Bytes that arrived since then.
    arrived: Cell<usize>,
    /// There was no memory for them.
    is_starved: Cell<bool>,
    stage: Cell<Stage>,
    /// The beginning of the stage, except for [`Stage::Writing`], which keeps that of the stage
    /// it interrupts.
    since: Cell<Instant>,
    /// When the socket last took bytes.
    progress: Cell<Instant>,
    /// There is an answer that the socket has not taken yet.
    answering: Cell<bool>,
    in_flight: Cell<u32>,
    /// It made way for another connection.
    is_sent_away: Cell<bool>,
    is_resting: Cell<bool>,
    /// At least one request was answered.
    served: Cell<bool>,
    /// The client has sent, or is sending, bytes that no request will read.
    unread: Cell<bool>,
    /// HTTP/2, whose framing leaves nothing to argue about and whose clients can be told to go
    /// away at any time.
    http2: Cell<bool>,
    framing: RefCell<Framing>,
}

impl Watch {
    /// Of a connection that was just accepted; what it speaks is not known yet.
    pub fn new(
        limits: Limits,
        drain: Rc<Drain>,
        guest: Arc<Guest>,
        pace: Rc<Pace>,
        share: Share,
    ) -> Self {
        let accepted = Instant::now();
        Self {
            limits,
            drain,
            guest,
            accepted,
            polled: Cell::new(None),
            pace,
            share,
            arrived: Cell::new(0),
            is_starved: Cell::new(false),
            stage: Cell::new(Stage::Idle),
            since: Cell::new(accepted),
            progress: Cell::new(accepted),
            answering: Cell::new(false),
            in_flight: Cell::new(0),
            is_sent_away: Cell::new(false),
            is_resting: Cell::new(false),
            served: Cell::new(false),
            unread: Cell::new(false),
            http2: Cell::new(false),
            framing: RefCell::new(Framing::new(limits.header_bytes as usize)),
        }
    }

    /// The moment, to within what a task does at once: the clock is asked once for all of it.
    pub fn now(&self) -> Instant {
        self.polled.get().unwrap_or_else(Instant::now)
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether the connection has to end after this answer.
    pub fn is_ending(&self) -> bool {
        self.drain.has_begun() || self.guest.is_extra()
    }

    /// Whether a limit of connections was reached when this one came.
    pub fn is_extra(&self) -> bool {
        self.guest.is_extra()
    }

    fn enter(&self, stage: Stage) {
        self.stage.set(stage);
        self.since.set(self.now());
    }

    /// The socket has received `bytes`; gives how many of them go on as they are.
    pub fn received(&self, bytes: &[u8]) -> usize {
        if self.in_flight.get() == 0 {
            let arrived = self.arrived.get() + bytes.len();
            self.arrived.set(arrived);
            // hyper keeps it until the head is complete, and so does our own reader of it.
            if arrived > SMALL_HEAD && !self.share.more(2 * bytes.len()) {
                self.is_starved.set(true);
            }
        }
        if self.http2.get() {
            return bytes.len();
        }
        let passed = self.framing.borrow_mut().receive(bytes);
        if self.in_flight.get() > 0 {
            return passed;
        }
        self.guest.busy();
        // Until a request begins with them.
        self.unread.set(true);
        if self.stage.get() == Stage::Idle {
            if self.served.get() {
                self.enter(Stage::Head);
            } else {
                // A new connection's time runs since it was accepted.
                self.stage.set(Stage::Head);
            }
        }
        passed
    }

    /// Writes received bytes that did not go on at once; whether there were any.
    pub fn hand_over(&self, buffer: &mut ReadBuf<'_>) -> bool {
        self.framing.borrow_mut().hand_over(buffer)
    }

    /// Whether a head was refused: nothing that follows it is read.
    pub fn has_refused(&self) -> bool {
        self.framing.borrow().has_refused()
    }

    /// The socket has taken so many bytes.
    pub fn sent(&self, bytes: usize) {
        self.pace.moved(bytes);
        if self.stage.get() != Stage::Ending {
            self.stage.set(Stage::Writing);
            self.progress.set(self.now());
        }
    }

    /// The socket has taken all there was. The client has been idle since an answer was
    /// complete; that HTTP/2 has asked it whether it is alive does not count.
    pub fn flushed(&self) {
        self.pace.flushed();
        if self.stage.get() == Stage::Writing {
            self.stage.set(Stage::Idle);
            if self.answering.take() {
                self.since.set(self.progress.get());
            }
            if self.in_flight.get() == 0 {
                self.guest.idle(self.progress.get());
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
        if self.http2.get() { Verdict::Clear } else { self.framing.borrow_mut().next() }
    }

    pub fn is_http2(&self) -> bool {
        self.http2.get()
    }

    pub fn set_http2(&self) {
        self.http2.set(true);
    }

    /// Counts a request as in flight until the guard is dropped.
    pub fn request(self: &Rc<Self>) -> InFlight {
        self.guest.busy();
        if self.arrived.replace(0) > SMALL_HEAD {
            self.share.become_of(0);
        }
        self.in_flight.set(self.in_flight.get() + 1);
        self.unread.set(false);
        if self.stage.get() != Stage::Ending {
            self.stage.set(Stage::Idle);
        }
        InFlight(Rc::clone(self))
    }

    /// Until when the connection may stay as it is, and what then; `None` while a request is
    /// being answered, which has deadlines of its own.
    fn deadline(&self) -> Option<(Instant, Overdue)> {
        let usual = self.usual_deadline();
        if !self.guest.is_extra() {
            return usual;
        }
        let end = self.accepted + SHORTLY;
        Some(usual.filter(|(until, _)| *until < end).unwrap_or((end, Overdue::Drop)))
    }

    fn usual_deadline(&self) -> Option<(Instant, Overdue)> {
        let (limits, since, stage) = (&self.limits, self.since.get(), self.stage.get());
        let drain = self.drain.since.get();
        // HTTP/2 can be told to end while requests are in flight, and a busy client has to be:
        // it may never be idle.
        if let (Some(drain), true, false) = (drain, self.http2.get(), stage == Stage::Ending) {
            return Some((drain + limits.quiet, Overdue::End));
        }
        if self.in_flight.get() > 0 {
            return None;
        }
        Some(match stage {
            Stage::Head => (since + limits.head, Overdue::Drop),
            // An answer is watched by its pace.
            Stage::Writing if self.pace.is_kept() => return None,
            Stage::Writing => (self.progress.get() + limits.write, Overdue::Drop),
            Stage::Ending if self.is_sent_away.get() => (since + SHORTLY, Overdue::Drop),
            Stage::Ending => (since + limits.write, Overdue::Drop),
            Stage::Lingering => (since + limits.linger, Overdue::Drop),
            Stage::Idle => {
                let until = match drain {
                    Some(drain) => since.max(drain) + limits.quiet,
                    None if self.may_rest() => {
                        return Some((since + REST.min(limits.idle), Overdue::Rest));
                    }
                    None if self.served.get() => since + limits.idle,
                    None => since + limits.head,
                };
                (until, Overdue::End)
            }
        })
    }

    fn may_rest(&self) -> bool {
        self.served.get() && !self.http2.get() && !self.is_resting.get()
    }

    /// Runs a part of the connection's life in which nothing is kept for it.
    pub async fn rest<T>(&self, part: impl Future<Output = T>) -> Result<T, Overdue> {
        self.is_resting.set(true);
        let output = self.guard(part).await;
        self.is_resting.set(false);
        output
    }

    /// Runs a part of the connection's life, as long as it keeps within its limits. After
    /// [`Overdue::End`] the caller tells the connection to end, and calls again.
    pub async fn guard<T>(&self, part: impl Future<Output = T>) -> Result<T, Overdue> {
        let mut part = pin!(part);
        let now = Instant::now();
        let mut armed = self.deadline().map_or(now + self.limits.idle, |(deadline, _)| deadline);
        let mut timer = pin!(sleep_until(armed.into()));
        let mut drain = pin!(self.drain.begun.notified());
        // Whoever wakes this task has to be told of it once: it stays the same.
        let (mut is_known, mut is_timed) = (false, false);
        std::future::poll_fn(|context| {
            let now = Instant::now();
            self.polled.set(Some(now));
            let output = part.as_mut().poll(context);
            self.polled.set(None);
            if let Poll::Ready(output) = output {
                return Poll::Ready(Ok(output));
            }
            if self.is_starved.get() {
                return Poll::Ready(Err(Overdue::Drop));
            }
            if !std::mem::replace(&mut is_known, true) {
                self.guest.wakes(context);
                // What it means is in the deadline.
                let _ = drain.as_mut().poll(context);
            }
            if self.guest.is_shed() && !self.is_sent_away.replace(true) {
                self.enter(Stage::Ending);
                return Poll::Ready(Err(Overdue::End));
            }
            let Some((deadline, overdue)) = self.deadline() else { return Poll::Pending };
            if deadline < armed {
                armed = deadline;
                timer.as_mut().reset(armed.into());
            } else if is_timed && now < armed {
                return Poll::Pending;
            }
            is_timed = true;
            while timer.as_mut().poll(context).is_ready() {
                if deadline <= Instant::now() {
                    if overdue == Overdue::End {
                        self.enter(Stage::Ending);
                    }
                    return Poll::Ready(Err(overdue));
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
        let (watch, now) = (&self.0, self.0.now());
        watch.in_flight.set(watch.in_flight.get() - 1);
        if watch.http2.get() && watch.in_flight.get() == 0 {
            watch.guest.idle(now);
        }
        watch.served.set(true);
        watch.answering.set(true);
        watch.since.set(now);
    }
}
