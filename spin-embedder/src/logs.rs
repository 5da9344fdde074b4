//! A component's stdout and stderr, line by line on ours.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

#[derive(Clone, Copy)]
pub enum Target {
    Stdout,
    Stderr,
}

/// One instance's output. Instances write at the same time and their pieces are not lines: what
/// `eprintln!` formats arrives in several writes. So lines are put together here.
#[derive(Clone)]
pub struct Lines(Arc<Mutex<Pending>>);

struct Pending {
    target: Target,
    line: Vec<u8>,
}

impl Lines {
    pub fn new(target: Target) -> Self {
        Self(Arc::new(Mutex::new(Pending { target, line: Vec::new() })))
    }
}

impl Pending {
    fn take(&mut self, bytes: &[u8]) {
        self.line.extend_from_slice(bytes);
        if let Some(end) = self.line.iter().rposition(|it| *it == b'\n') {
            let rest = self.line.split_off(end + 1);
            self.print();
            self.line = rest;
        }
    }

    /// Whoever reads our output may be gone; the component needn't know.
    fn print(&self) {
        let _ = match self.target {
            Target::Stdout => io::stdout().lock().write_all(&self.line),
            Target::Stderr => io::stderr().lock().write_all(&self.line),
        };
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.line.push(b'\n');
            self.print();
        }
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
