//! HTTP/1 heads, read before hyper reads them ([ADR 0024](../../../docs/adr/0024-heads-before-hyper.md)).
//!
//! hyper answers a head that it can't read by itself: without a document, an id or a record in the
//! log. And of those that it can read it lets some through that another server would read
//! otherwise (RFC 9112 section 6.3), which is how requests are smuggled. So bytes are handed on in
//! whole heads only, and each is first read as hyper would, by the same parser. In place of one
//! that is refused hyper gets a [`stand_in()`], which reaches the service like any request and is
//! answered by it.

mod stand_in;

use std::mem::{MaybeUninit, take};

use bytes::{Buf as _, Bytes};
use http::Uri;
use httparse::{Header, Status};
use tokio::io::ReadBuf;
use trireme_core::{Code, Error};

use self::stand_in::stand_in;
use super::HEADER_COUNT;

/// What is to be done with the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One way to read it: no body, or one `Content-Length`.
    Clear,
    /// Chunked. Where the next head begins is not followed, so that this request has to be the
    /// connection's last one.
    Last,
    Refused(Refusal),
}

/// Why a head is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Malformed(&'static str),
    TooLarge(&'static str),
}

const AMBIGUOUS: Refusal = Refusal::Malformed("The length of the body is ambiguous.");
pub const TOO_LONG: Refusal = Refusal::TooLarge("The request's head is too large.");
pub const TOO_MANY: Refusal = Refusal::TooLarge("There are too many headers.");

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Malformed(detail) => Self::new(Code::MALFORMED_REQUEST, detail),
            Refusal::TooLarge(detail) => Self::new(Code::HEADERS_TOO_LARGE, detail),
        }
    }
}

/// Follows the bytes that a client sends on one connection.
#[derive(Debug)]
pub struct Framing {
    place: Place,
    /// The most bytes of one head.
    limit: usize,
    /// The beginning of a head whose end has not arrived.
    held: Vec<u8>,
    /// What hyper gets before anything else is read.
    ready: Bytes,
    verdicts: std::collections::VecDeque<Verdict>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Head,
    Body(u64),
    /// After the last request that can be followed.
    End,
    /// Nothing more is handed on.
    Refused,
}

impl Framing {
    pub fn new(limit: usize) -> Self {
        Self {
            place: Place::Head,
            limit,
            held: Vec::new(),
            ready: Bytes::new(),
            verdicts: std::collections::VecDeque::new(),
        }
    }

    /// Takes the next bytes from the wire, split anywhere; gives how many of them go on to hyper
    /// as they are. The others wait, or come by [`Self::hand_over`].
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        if self.held.is_empty() {
            let (passed, stand_in) = self.pass(bytes);
            self.ready = stand_in.into();
            return passed;
        }
        let known = self.held.len();
        self.held.extend_from_slice(bytes);
        // A head that comes byte by byte is neither copied nor read anew for each.
        if self.held.len() <= self.limit && !may_end(&self.held, known) {
            return 0;
        }
        let mut whole = take(&mut self.held);
        let (passed, stand_in) = self.pass(&whole);
        whole.truncate(passed);
        whole.extend_from_slice(&stand_in);
        self.ready = whole.into();
        0
    }

    /// Writes what has been held back; whether there was any.
    pub fn hand_over(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        if self.ready.is_empty() {
            return false;
        }
        let length = self.ready.len().min(buffer.remaining());
        buffer.put_slice(&self.ready.split_to(length));
        length > 0
    }

    /// What still comes is of no interest: the connection ends with a refusal.
    pub fn has_refused(&self) -> bool {
        self.place == Place::Refused
    }

    /// The verdict on the next request, in the order of arrival. hyper never hands out a request
    /// whose head did not pass through here; should the two ever disagree, it is refused.
    pub fn next(&mut self) -> Verdict {
        self.verdicts.pop_front().unwrap_or(Verdict::Refused(AMBIGUOUS))
    }

    /// How many bytes are whole heads and bodies, and what follows them instead of a head that is
    /// refused. The beginning of a head is held back, without the empty lines before it.
    fn pass(&mut self, bytes: &[u8]) -> (usize, Vec<u8>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let length = match self.place {
                Place::Refused => break,
                Place::End => rest.len(),
                Place::Body(left) => {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    let left = left - length as u64;
                    self.place = if left == 0 { Place::Head } else { Place::Body(left) };
                    length
                }
                Place::Head => match read(rest, self.limit) {
                    Ok(Some(Head { length, verdict, next })) => {
                        self.verdicts.push_back(verdict);
                        self.place = next;
                        length
                    }
                    Ok(None) => {
                        let begun = rest.iter().position(|byte| !b"\r\n".contains(byte));
                        self.held = rest[begun.unwrap_or(rest.len())..].to_vec();
                        break;
                    }
                    Err(refusal) => {
                        self.verdicts.push_back(Verdict::Refused(refusal));
                        self.place = Place::Refused;
                        return (bytes.len() - rest.len(), stand_in(rest));
                    }
                },
            };
            rest.advance(length);
        }
        (bytes.len() - rest.len(), Vec::new())
    }
}

struct Head {
    length: usize,
    verdict: Verdict,
    next: Place,
}

/// Reads one head; `None` until all of it is there.
fn read(bytes: &[u8], limit: usize) -> Result<Option<Head>, Refusal> {
    let head = parse(bytes)?;
    let length = head.as_ref().map_or(bytes.len(), |head| head.length);
    if length > limit { Err(TOO_LONG) } else { Ok(head) }
}

/// Whether the bytes after `known` can end a head.
fn may_end(bytes: &[u8], known: usize) -> bool {
    let tail = &bytes[known.saturating_sub(3)..];
    memchr::memchr_iter(b'\n', tail).any(|at| {
        let next = &tail[at + 1..];
        next.starts_with(b"\n") || next.starts_with(b"\r\n")
    })
}

fn parse(bytes: &[u8]) -> Result<Option<Head>, Refusal> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; HEADER_COUNT];
    let mut request = httparse::Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(error) => return Err(explain(error)),
    };
    if !request.path.is_some_and(is_target) {
        return Err(Refusal::Malformed("The target can't be read."));
    }
    let (verdict, next) = body(request.headers, request.version == Some(1))?;
    Ok(Some(Head { length, verdict, next }))
}

fn explain(error: httparse::Error) -> Refusal {
    use httparse::Error;
    Refusal::Malformed(match error {
        Error::TooManyHeaders => return TOO_MANY,
        Error::Version => "The version of HTTP is not spoken here.",
        Error::HeaderName | Error::HeaderValue => "A header can't be read.",
        Error::NewLine | Error::Token | Error::Status => "The request line can't be read.",
    })
}

/// Whether hyper will be able to read it. Nearly all are plain paths, which are not worth making
/// a [`Uri`] of twice.
fn is_target(target: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%?&=+:@!$'()*,;".contains(&byte);
    target.len() < usize::from(u16::MAX)
        && (target.starts_with('/') && target.bytes().all(plain) || target.parse::<Uri>().is_ok())
}

/// What the headers say about the length of the body.
fn body(headers: &[Header<'_>], chunks: bool) -> Result<(Verdict, Place), Refusal> {
    let (mut length, mut encoded) = (None, false);
    for Header { name, value } in headers {
        if name.eq_ignore_ascii_case("content-length") {
            let digits = digits(value).filter(|_| length.is_none());
            length = Some(digits.ok_or(AMBIGUOUS)?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            // HTTP/1.0 has no chunks (RFC 9112 section 6.1).
            if encoded || !chunks || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(AMBIGUOUS);
            }
            encoded = true;
        }
    }
    match (encoded, length) {
        (true, Some(_)) => Err(AMBIGUOUS),
        (true, None) => Ok((Verdict::Last, Place::End)),
        (false, None | Some(0)) => Ok((Verdict::Clear, Place::Head)),
        (false, Some(length)) => Ok((Verdict::Clear, Place::Body(length))),
    }
}

/// A number of decimal digits and nothing else, in a range that nobody reads as negative.
fn digits(text: &[u8]) -> Option<u64> {
    let digits = text.iter().all(u8::is_ascii_digit).then_some(text)?;
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    i64::try_from(number).is_ok().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What hyper gets and how it is judged.
    fn follow(parts: &[&[u8]]) -> (Vec<u8>, Vec<Verdict>) {
        let mut framing = Framing::new(512);
        let mut passed = Vec::new();
        for part in parts {
            let length = framing.receive(part);
            passed.extend_from_slice(&part[..length]);
            let mut space = [0; 2048];
            let mut buffer = ReadBuf::new(&mut space);
            framing.hand_over(&mut buffer);
            passed.extend_from_slice(buffer.filled());
        }
        (passed, framing.verdicts.into())
    }

    fn verdicts(bytes: &[u8]) -> Vec<Verdict> {
        let whole = follow(&[bytes]);
        // However the network splits it, the answer is the same.
        for split in 0..bytes.len() {
            assert_eq!(follow(&[&bytes[..split], &bytes[split..]]).1, whole.1, "split at {split}");
        }
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(follow(&single).1, whole.1, "byte by byte");
        whole.1
    }

    #[test]
    fn follows_pipelined_requests() {
        use Verdict::{Clear, Last};
        let bytes = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\
            POST / HTTP/1.1\r\nContent-Length: 18\r\n\r\ncontent-length: 7\n\
            PUT / HTTP/1.1\ncontent-length: 0\n\n\
            POST / HTTP/1.1\r\ntransfer-Encoding: Chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n";
        assert_eq!(verdicts(bytes), [Clear, Clear, Clear, Last]);
        assert_eq!(follow(&[bytes]).0, bytes, "what is in order is handed on as it is");
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(follow(&single).0, bytes[2..], "byte by byte, without the empty line before it");
    }

    #[test]
    fn empty_lines_before_a_head_are_not_kept() {
        let mut framing = Framing::new(512);
        for _ in 0..2000 {
            assert_eq!(framing.receive(b"\r\n"), 0);
        }
        assert!(framing.held.is_empty() && framing.verdicts.is_empty());
        assert_eq!(framing.receive(b"GET / HTTP/1.1\r\n\r\n"), 18);
    }

    #[test]
    fn refuses_what_can_be_read_in_two_ways() {
        for headers in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "transfer-encoding: chunked\r\nX: y\r\ncontent-length: 5",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: identity",
            "Content-Length: 5\r\nContent-Length: 5",
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: 5, 5",
            "Content-Length: -5",
            "Content-Length: +5",
            "Content-Length:",
            "Content-Length: 18446744073709551615",
            "Content-Length: 9223372036854775808",
        ] {
            let bytes = format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\nhello");
            assert_eq!(verdicts(bytes.as_bytes()), [Verdict::Refused(AMBIGUOUS)], "{headers}");
        }
        let old = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert_eq!(verdicts(old), [Verdict::Refused(AMBIGUOUS)]);
    }

    #[test]
    fn a_refused_head_has_a_stand_in_and_no_successor() {
        let bytes = b"GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nX-Request-Id: 7\r\n\
            Content-Length: 1, 1\r\n\r\nxGET /smuggled HTTP/1.1\r\n\r\n";
        let expected =
            "GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nX-Request-Id: 7\r\n\r\n";
        assert_eq!(String::from_utf8(follow(&[bytes]).0).unwrap(), expected);
        let unreadable = b"HEAD /<> HTTP/1.1\r\nOrigin: https://a\r\nOrigin: \x01\r\n\r\n";
        assert_eq!(follow(&[unreadable]).0, b"HEAD * HTTP/1.1\r\nOrigin: https://a\r\n\r\n");
        assert_eq!(follow(&[b"\x16\x03\x01\x02\x00"]).0, b"GET * HTTP/1.1\r\n\r\n");
    }

    #[test]
    fn a_head_has_a_bound() {
        let head = |length: usize| {
            let mut head = b"GET / HTTP/1.1\r\nx: ".to_vec();
            head.resize(length - 4, b'y');
            head.extend_from_slice(b"\r\n\r\n");
            head
        };
        assert_eq!(verdicts(&head(512)), [Verdict::Clear]);
        assert_eq!(verdicts(&head(513)), [Verdict::Refused(TOO_LONG)]);
        assert_eq!(verdicts(&head(2000)[..1000]), [Verdict::Refused(TOO_LONG)]);
    }

    #[test]
    fn a_request_that_was_not_seen_is_refused() {
        assert_eq!(Framing::new(512).next(), Verdict::Refused(AMBIGUOUS));
    }
}
