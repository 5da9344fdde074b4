//! A stream that can be had back.
//!
//! tokio-postgres opens a session: whatever a server may ask for on the way, it knows. Statements
//! we send ourselves ([`Wire`](super::wire::Wire)), and for that have the stream back from it.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use postgres_protocol::message::backend::BACKEND_KEY_DATA_TAG;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// What has the right to the stream.
pub struct Lender<S>(Arc<Loan<S>>);

struct Loan<S> {
    stream: Mutex<Option<S>>,
    /// The number that the server gave for itself, or 0.
    process: AtomicU32,
}

impl<S> Lender<S> {
    /// `None` when it was taken before.
    pub fn take_back(self) -> Option<S> {
        self.0.stream.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The process that introduced itself when the session was opened, for cancellations.
    pub fn process(&self) -> Option<u32> {
        Some(self.0.process.load(Relaxed)).filter(|process| *process > 0)
    }
}

/// The stream on loan. It gives no more than the rest of one message at a time, so that nothing
/// that came later is in the borrower's buffers when it is taken back.
pub struct Lent<S> {
    loan: Arc<Loan<S>>,
    /// Kind and length of the message, as far as they were read.
    head: [u8; HEAD],
    filled: usize,
    /// How much of the message after them was read, and how much was not.
    read: usize,
    rest: usize,
}

/// A byte for the kind, and four for the length, which counts itself.
const HEAD: usize = 5;

/// Lends a stream on which PostgreSQL's messages come and go, and nothing else.
pub fn lend<S>(stream: S) -> (Lender<S>, Lent<S>) {
    let stream = Mutex::new(Some(stream));
    let loan = Arc::new(Loan { stream, process: AtomicU32::default() });
    let lent = Lent { loan: Arc::clone(&loan), head: [0; HEAD], filled: 0, read: 0, rest: 0 };
    (Lender(loan), lent)
}

fn taken() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the stream was taken back")
}

impl<S: Unpin> Lent<S> {
    fn with<T>(
        &self,
        work: impl FnOnce(Pin<&mut S>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut stream = self.loan.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.as_mut().map_or_else(|| Poll::Ready(Err(taken())), |stream| work(Pin::new(stream)))
    }

    /// Goes on in the message by what was read of it.
    fn go_on(&mut self, bytes: &[u8]) {
        if self.rest == 0 {
            self.head[self.filled..][..bytes.len()].copy_from_slice(bytes);
            self.filled += bytes.len();
            if let (HEAD, [_, length @ ..]) = (self.filled, self.head) {
                self.rest = (u32::from_be_bytes(length) as usize).saturating_sub(HEAD - 1);
                (self.filled, self.read) = (0, 0);
            }
            return;
        }
        if self.head[0] == BACKEND_KEY_DATA_TAG {
            for byte in bytes.iter().take(4_usize.saturating_sub(self.read)) {
                let before = self.loan.process.load(Relaxed);
                self.loan.process.store(before << 8 | u32::from(*byte), Relaxed);
            }
        }
        self.read += bytes.len();
        self.rest -= bytes.len();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lent<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let due = if self.rest > 0 { self.rest } else { HEAD - self.filled };
        let room = due.min(out.remaining());
        let mut part = ReadBuf::new(out.initialize_unfilled_to(room));
        ready!(self.with(|stream| stream.poll_read(cx, &mut part)))?;
        self.go_on(part.filled());
        let length = part.filled().len();
        out.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lent<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(cx))
    }
}

/// It is on loan when TLS, if any, is up; what it is bound to has not changed by that.
impl<S: TlsStream + Unpin> TlsStream for Lent<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let stream = self.loan.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.as_ref().map_or_else(ChannelBinding::none, TlsStream::channel_binding)
    }
}
