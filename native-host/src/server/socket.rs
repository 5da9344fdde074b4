//! A connection's socket, between tokio and hyper: it tells the [`Watch`] what happens on it.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::watch::Watch;

/// What an HTTP/2 client with prior knowledge sends first (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub struct Socket {
    stream: TcpStream,
    /// Read before hyper was there.
    first: Bytes,
    watch: Rc<Watch>,
}

impl Socket {
    pub fn new(stream: TcpStream, first: Bytes, watch: Rc<Watch>) -> Self {
        Self { stream, first, watch }
    }

    /// Waits until the client has sent something, or has gone.
    pub async fn readable(&self) -> io::Result<()> {
        self.stream.readable().await
    }
}

/// Reads until it is clear whether the client speaks HTTP/2; gives what was read as well.
pub async fn speaks_http2(stream: &TcpStream) -> io::Result<(bool, Bytes)> {
    let mut first = Vec::with_capacity(1024);
    loop {
        stream.readable().await?;
        match stream.try_read_buf(&mut first) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
            Ok(0) => return Ok((false, first.into())),
            Ok(_) => {
                let seen = first.len().min(PREFACE.len());
                if first[..seen] != PREFACE[..seen] {
                    return Ok((false, first.into()));
                }
                if seen == PREFACE.len() {
                    return Ok((true, first.into()));
                }
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.watch.hand_over(buffer) {
                return Poll::Ready(Ok(()));
            }
            if this.watch.has_refused() {
                // The answer ends the connection; what comes until then is thrown away.
                return Poll::Pending;
            }
            let before = buffer.filled().len();
            ready!(this.read(context, buffer))?;
            let bytes = &buffer.filled()[before..];
            if bytes.is_empty() {
                this.watch.ended();
                return Poll::Ready(Ok(()));
            }
            let passed = this.watch.received(bytes);
            buffer.set_filled(before + passed);
            if passed > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl Socket {
    /// Takes bytes off the wire; none at its end.
    fn read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let length = self.first.len().min(buffer.remaining());
        buffer.put_slice(&self.first[..length]);
        self.first.advance(length);
        if self.first.is_empty() {
            // An empty rest would keep its memory for the connection's life.
            self.first = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.watch.sent(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices))?;
        self.watch.sent(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watch.flushed();
        Poll::Ready(Ok(()))
    }

    /// Closing a socket whose incoming bytes nobody has read makes the kernel send a reset,
    /// which can destroy the answer before the client reads it. So, where bytes may be left,
    /// only our side is closed first and the rest is thrown away until the client closes too;
    /// the [`Watch`] bounds the time.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.watch.is_lingering() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
            if !this.watch.has_unread() {
                return Poll::Ready(Ok(()));
            }
            this.watch.linger();
        }
        loop {
            let mut scrap = [0; 8192];
            let mut scrap = ReadBuf::new(&mut scrap);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut scrap))?;
            if scrap.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
