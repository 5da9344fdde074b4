//! Signing in to PostgreSQL, for a host that opens a connection a request.
//!
//! tokio-postgres derives the keys of SCRAM from the password each time, which costs more than all
//! else that a request does. Here they are kept. Whatever else a server may ask for, and every
//! refusal, is left to tokio-postgres as if nobody had listened.

use std::{
    io,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll},
};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use bytes::{Buf, BytesMut};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_postgres::{Config, config::ChannelBinding};

use super::scram::{self, Challenge, Keys};

/// A password and its keys; empty at first.
#[derive(Default)]
pub struct Cache(Mutex<Option<(Vec<u8>, Keys)>>);

impl Cache {
    fn keys(&self, password: &[u8], challenge: &Challenge<'_>) -> Keys {
        let mut kept = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &*kept {
            Some((of, keys)) if of == password && keys.fit(challenge) => keys.clone(),
            _ => {
                let keys = Keys::derive(password, challenge);
                kept.insert((password.to_owned(), keys)).1.clone()
            }
        }
    }
}

/// A connection on which tokio-postgres will not be asked for a password, for its `connect_raw`
/// with the same `config`.
pub struct SignedIn<S> {
    socket: S,
    /// What the server said and tokio-postgres has not read.
    unread: BytesMut,
    /// The message that opens the session, until tokio-postgres writes it again.
    sent: Option<BytesMut>,
}

/// Opens a session. TLS, if any, is up.
pub async fn sign_in<S: AsyncRead + AsyncWrite + Unpin>(
    socket: S,
    config: &Config,
    cache: &Cache,
    random: [u8; 18],
) -> io::Result<SignedIn<S>> {
    let mut session = SignedIn { socket, unread: BytesMut::new(), sent: None };
    let sent = session.send(|out| frontend::startup_message(parameters(config), out)).await?;
    session.sent = Some(sent);
    session.receive().await?;
    let ours = session.asks_for_scram() && config.get_channel_binding() != ChannelBinding::Require;
    if let Some(password) = config.get_password().filter(|_| ours) {
        session.exchange(password, cache, &STANDARD_NO_PAD.encode(random)).await?;
    }
    Ok(session)
}

/// What tokio-postgres says of the connection. It makes up a user where none is named.
fn parameters(config: &Config) -> impl Iterator<Item = (&str, &str)> {
    let said = [
        ("client_encoding", Some("UTF8")),
        ("user", config.get_user()),
        ("database", config.get_dbname()),
        ("options", config.get_options()),
        ("application_name", config.get_application_name()),
    ];
    said.into_iter().filter_map(|(name, value)| Some((name, value?)))
}

/// The kinds of `R`, the server's messages about signing in.
const SASL: i32 = 10;
const SASL_CONTINUE: i32 = 11;
const SASL_FINAL: i32 = 12;

/// Of the kind's letter and the length.
const HEAD: usize = 5;

/// More is no message about signing in.
const LONGEST: usize = 16 * 1024;

impl<S: AsyncRead + AsyncWrite + Unpin> SignedIn<S> {
    async fn exchange(&mut self, password: &[u8], cache: &Cache, nonce: &str) -> io::Result<()> {
        self.skip();
        let first = scram::first(nonce);
        let message =
            |out: &mut _| frontend::sasl_initial_response(scram::MECHANISM, first.as_bytes(), out);
        self.send(message).await?;

        let Some(message) = self.expect(SASL_CONTINUE).await? else { return Ok(()) };
        let challenge = Challenge::read(&message, nonce)
            .ok_or_else(|| refuse("the server's part of SCRAM can't be read"))?;
        let (last, expected) = challenge.answer(&cache.keys(password, &challenge), nonce);
        self.send(|out| frontend::sasl_response(last.as_bytes(), out)).await?;

        let Some(message) = self.expect(SASL_FINAL).await? else { return Ok(()) };
        let known = expected.is_in(&message);
        known.then_some(()).ok_or_else(|| refuse("the server does not know the password"))
    }

    /// What the next message holds. `None` leaves one unread that ends signing in.
    async fn expect(&mut self, kind: i32) -> io::Result<Option<BytesMut>> {
        match self.receive().await? {
            Some(found) if found == kind => Ok(Some(self.skip())),
            Some(_) => Err(refuse("the server leaves out a part of SCRAM")),
            None => Ok(None),
        }
    }

    async fn send(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> io::Result<()>,
    ) -> io::Result<BytesMut> {
        let mut message = BytesMut::new();
        write(&mut message)?;
        self.socket.write_all(&message).await?;
        self.socket.flush().await?;
        Ok(message)
    }

    /// Waits for a message, which stays unread, and answers its kind if it is about signing in.
    async fn receive(&mut self) -> io::Result<Option<i32>> {
        loop {
            if let Some(length) = self.length() {
                if length > LONGEST {
                    return Err(refuse("the server sent something else than PostgreSQL would"));
                }
                if self.unread.len() >= length {
                    return Ok(self.first().map(|(kind, _)| kind));
                }
            }
            if self.socket.read_buf(&mut self.unread).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Takes the first unread message, and answers what it holds beyond its kind.
    fn skip(&mut self) -> BytesMut {
        let mut message = self.unread.split_to(self.length().unwrap_or_default());
        message.advance(message.len().min(HEAD + 4));
        message
    }

    /// Of the first unread message, letter included.
    fn length(&self) -> Option<usize> {
        let length = self.unread.get(1..HEAD)?.try_into().ok()?;
        Some((u32::from_be_bytes(length) as usize).saturating_add(1))
    }

    /// The kind of the first unread message, if it is about signing in, and what it holds.
    fn first(&self) -> Option<(i32, &[u8])> {
        let message = self.unread.get(..self.length()?)?;
        let (kind, rest) = message.strip_prefix(b"R")?.get(HEAD - 1..)?.split_first_chunk()?;
        Some((i32::from_be_bytes(*kind), rest))
    }

    fn asks_for_scram(&self) -> bool {
        self.first().is_some_and(|(kind, mechanisms)| {
            let mut names = mechanisms.split(|byte| *byte == 0);
            kind == SASL && names.any(|name| name == scram::MECHANISM.as_bytes())
        })
    }
}

fn refuse(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

impl<S: AsyncRead + Unpin> AsyncRead for SignedIn<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, out);
        }
        let length = out.remaining().min(self.unread.len());
        out.put_slice(&self.unread.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for SignedIn<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(sent) = self.sent.take() else {
            return Pin::new(&mut self.socket).poll_write(cx, bytes);
        };
        let same = sent == bytes;
        Poll::Ready(same.then_some(bytes.len()).ok_or_else(|| refuse("opened in another way")))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_for_one_password_and_salt() {
        let first = |salt| format!("r=nonce and more,s={salt},i=4096");
        let (usual, other) = (first("W22ZaJ0SNY7soEsUEjb6gQ=="), first("W23ZaJ0SNY7soEsUEjb6gQ=="));
        let [usual, other] =
            [&usual, &other].map(|text| Challenge::read(text.as_bytes(), "nonce").unwrap());
        // Another password's keys, to be told from those that are derived anew.
        let planted = Keys::derive(b"planted", &usual);
        let cache = Cache(Mutex::new(Some((b"pencil".to_vec(), planted.clone()))));
        let answer = |keys: &Keys, to: &Challenge<'_>| to.answer(keys, "nonce").0;
        let given = |password: &[u8], to| answer(&cache.keys(password, to), to);
        assert_eq!(given(b"pencil", &usual), answer(&planted, &usual), "kept");
        assert_eq!(given(b"pencil", &other), answer(&Keys::derive(b"pencil", &other), &other));
        assert_eq!(given(b"pen", &other), answer(&Keys::derive(b"pen", &other), &other));
    }
}
