//! A session with a PostgreSQL server, from where signing in ends: messages there and back.
//!
//! <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY>

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf as _, Bytes, BytesMut};
use postgres_protocol::message::{
    backend::{DATA_ROW_TAG, Header, READY_FOR_QUERY_TAG},
    frontend,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::prepared::Prepared;

/// What is read at once.
const CHUNK: usize = 8 * 1024;

/// A buffer that grew beyond this for one batch is not kept for the next.
const KEPT: usize = 64 * 1024;

/// Of a message's kind and length.
const HEAD: usize = 5;

/// A connection that somebody has signed in on. It is used by one batch at a time; one that was
/// abandoned half way has to be [settled](Wire::settle) before the next.
pub struct Wire<S> {
    stream: S,
    /// Received and not read.
    input: BytesMut,
    /// Written and not sent.
    pub(super) output: BytesMut,
    /// How often the server has yet to say that it is ready.
    pub(super) due: usize,
    pub(super) prepared: Prepared,
    broken: bool,
}

/// What is made of the server's messages.
pub(super) trait Reader {
    fn row(&mut self, row: Bytes);
    /// `body` is the message without its kind and length.
    fn message(&mut self, kind: u8, body: &[u8]) -> io::Result<()>;
}

/// For what nobody waits for any more.
struct Deaf;

impl Reader for Deaf {
    fn row(&mut self, _: Bytes) {}
    fn message(&mut self, _: u8, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

impl<S> Wire<S> {
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            output: BytesMut::new(),
            due: 0,
            prepared: Prepared::default(),
            broken: false,
        }
    }

    /// Whether it is of no more use.
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether a batch was abandoned on it, whose end has to be waited for.
    pub const fn is_busy(&self) -> bool {
        self.due > 0
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Sends what is written, and reads until the server has said as often as is due that it is
    /// ready. Both at once: a server that can't get rid of its answers reads no further.
    pub(super) async fn exchange(&mut self, reader: &mut impl Reader) -> io::Result<()> {
        let result = poll_fn(|cx| {
            let sent = self.poll_send(cx);
            let received = self.poll_receive(cx, reader);
            match sent {
                // What it said before it went away has been read.
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                _ => received,
            }
        });
        let result = result.await;
        self.broken |= result.is_err();
        if self.output.capacity() > KEPT {
            self.output = BytesMut::new();
        }
        result
    }

    /// Waits for the end of what was abandoned. Nothing of it is looked at.
    pub async fn settle(&mut self) -> io::Result<()> {
        self.exchange(&mut Deaf).await
    }

    /// Whether it is of use yet, as far as that is known here without asking the server.
    pub fn is_alive(&mut self) -> bool {
        // Idle, a server tells of changed settings, or why it ends.
        while !self.broken {
            match self.poll_fill(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => return true,
                Poll::Ready(filled) => {
                    self.broken = filled.and_then(|()| self.read(&mut Deaf)).is_err();
                }
            }
        }
        false
    }

    /// Says goodbye and closes. Dropped without it, the server finds out by itself.
    pub async fn close(mut self) {
        frontend::terminate(&mut self.output);
        // Whoever is gone needs none.
        let _ = self.stream.write_all(&self.output).await;
        let _ = self.stream.shutdown().await;
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.output))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.output.advance(sent),
            }
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut impl Reader,
    ) -> Poll<io::Result<()>> {
        while self.due > 0 {
            ready!(self.poll_fill(cx))?;
            self.read(reader)?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.input.reserve(CHUNK);
        match ready!(pin!(self.stream.read_buf(&mut self.input)).poll(cx))? {
            0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Reads the messages that are there as a whole.
    fn read(&mut self, reader: &mut impl Reader) -> io::Result<()> {
        while let Some(header) = Header::parse(&self.input)? {
            // Its length does not count the kind, and is 4 at least.
            let length = header.len() as usize + 1;
            if self.input.len() < length {
                break;
            }
            match header.tag() {
                DATA_ROW_TAG => {
                    let mut row = self.input.split_to(length);
                    row.advance(HEAD);
                    reader.row(row.freeze());
                    continue;
                }
                READY_FOR_QUERY_TAG => {
                    self.due = self.due.checked_sub(1).ok_or(io::ErrorKind::InvalidData)?;
                }
                kind => reader.message(kind, &self.input[HEAD..length])?,
            }
            self.input.advance(length);
        }
        Ok(())
    }
}
