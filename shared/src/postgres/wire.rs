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
    backend::{DATA_ROW_TAG, ERROR_RESPONSE_TAG, Header, READY_FOR_QUERY_TAG},
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

/// What a server says of itself that is ready, and in no transaction.
const IDLE: &[u8] = b"I";

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
    pub(super) broken: bool,
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

/// For a server that nothing was asked: an error is its farewell.
struct Idle;

impl Reader for Idle {
    fn row(&mut self, _: Bytes) {}
    fn message(&mut self, kind: u8, _: &[u8]) -> io::Result<()> {
        if kind == ERROR_RESPONSE_TAG { Err(io::ErrorKind::NotConnected.into()) } else { Ok(()) }
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
        // The rows share it, and it has grown to the largest of them.
        if self.input.is_empty() {
            self.input = BytesMut::new();
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
            let read = self.read(&mut Idle);
            match self.poll_fill(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending if read.is_ok() => return true,
                Poll::Ready(Ok(())) if read.is_ok() => {}
                _ => self.broken = true,
            }
        }
        false
    }

    /// Says goodbye and closes. Dropped without it, the server finds out by itself: that is the
    /// end of a batch which was given up before all of it was sent.
    pub async fn close(mut self) {
        if self.is_busy() && !self.output.is_empty() {
            return;
        }
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
        loop {
            self.read(reader)?;
            if self.due == 0 {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_fill(cx))?;
        }
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.input.reserve(CHUNK);
        match ready!(pin!(self.stream.read_buf(&mut self.input)).poll(cx))? {
            0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Reads the messages that are there as a whole, up to the last that is due: what follows is
    /// no part of the answer.
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
                    let is_idle = self.input[HEAD..length] == *IDLE;
                    self.input.advance(length);
                    return match self.due {
                        0 if is_idle => Ok(()),
                        // The next batch would be a part of it, and nothing would ever be kept.
                        0 => Err(io::Error::other("a transaction was left open")),
                        _ => continue,
                    };
                }
                kind => reader.message(kind, &self.input[HEAD..length])?,
            }
            self.input.advance(length);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_grew_goes_with_its_batch() {
        let length = (1_000_000_u32 + 4).to_be_bytes();
        let row = vec![0; 1_000_000];
        let large = [&[DATA_ROW_TAG], &length[..], &row, b"Z\0\0\0\x05I"].concat();
        let mut wire = Wire::new(tokio::io::join(&large[..], tokio::io::sink()));
        wire.due = 1;
        let settled = pin!(wire.settle()).poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(settled, Poll::Ready(Ok(()))));
        assert!(!wire.input.try_reclaim(KEPT));
    }
}
