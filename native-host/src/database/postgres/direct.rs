//! Telling the server from a pooler before it.

use std::{
    future::{Ready, ready},
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex,
};
use tokio_postgres::{
    Client, Error as PgError, SimpleQueryMessage,
    tls::{ChannelBinding, TlsConnect, TlsStream},
};

/// Whether the process that answers is the one that introduced itself when we connected. A
/// pooler introduces itself, with a number that it made up to know cancellations by; and
/// behind it, any server process may answer the next transaction.
///
/// In the same round trip a direct connection is told how long each of its statements may run;
/// a pooler's is left as it is, since others get it next.
///
/// Comparing ports (`inet_client_port()`) would take every network address translation for a
/// pooler, and is no use on a Unix socket.
pub async fn is_direct(
    client: &Client,
    statement_timeout: Option<Duration>,
) -> Result<bool, PgError> {
    let introduced = introduced_as(client).await;
    let mut question = "SELECT pg_backend_pid()".to_owned();
    if let (Some(process), Some(limit)) = (introduced, statement_timeout) {
        let limit = limit.as_millis();
        // Set locally, it ends with this statement.
        let set =
            format!(", set_config('statement_timeout', '{limit}', pg_backend_pid() <> {process})");
        question.push_str(&set);
    }
    let answers = client.simple_query(&question).await?;
    let answering = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse::<i32>().ok(),
        _ => None,
    });
    Ok(introduced.is_some() && introduced == answering)
}

/// The process number of the greeting. tokio-postgres uses it for cancellations only, so here
/// it writes one that goes nowhere: length, code, process and secret, 32 bits each.
async fn introduced_as(client: &Client) -> Option<i32> {
    const TLS_REQUEST: i32 = 80_877_103;
    const CANCELLATION: i32 = 80_877_102;
    let (ours, mut theirs) = duplex(64);
    let token = client.cancel_token();
    let read = async move {
        let (mut length, mut code) = (theirs.read_i32().await.ok()?, theirs.read_i32().await.ok()?);
        if code == TLS_REQUEST {
            theirs.write_all(b"S").await.ok()?;
            (length, code) = (theirs.read_i32().await.ok()?, theirs.read_i32().await.ok()?);
        }
        if (length, code) == (16, CANCELLATION) { theirs.read_i32().await.ok() } else { None }
    };
    futures_util::join!(token.cancel_query_raw(ours, Unencrypted), read).1
}

/// A handshake that does nothing, on a pipe within the process.
struct Unencrypted;

impl TlsConnect<DuplexStream> for Unencrypted {
    type Stream = Pipe;
    type Error = io::Error;
    type Future = Ready<io::Result<Pipe>>;

    fn connect(self, stream: DuplexStream) -> Self::Future {
        ready(Ok(Pipe(stream)))
    }
}

struct Pipe(DuplexStream);

impl TlsStream for Pipe {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, out)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
