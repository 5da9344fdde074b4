//! A second pair of eyes on HTTP/1 framing, against request smuggling.
//!
//! hyper refuses most ambiguous requests, but it merges equal `Content-Length` headers, and
//! of `Content-Length` and `Transfer-Encoding` together it drops the former without a word
//! (RFC 9112 section 6.3 allows both; a proxy in front that reads them the other way round
//! then sees another request than we do). So the raw bytes are looked at as they arrive: only
//! far enough to find every head and to count its framing headers. Whether a head is
//! well-formed remains hyper's to say.

use std::collections::VecDeque;

/// What the raw head of a request says about the length of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One way to read it: no body, or one `Content-Length`.
    Clear,
    /// Chunked. Where the next head begins is not followed, so that this request has to be the
    /// connection's last one.
    Last,
    /// More than one way to read it: the request is refused.
    Ambiguous,
}

/// Follows the bytes that a client sends on one connection.
#[derive(Debug, Default)]
pub struct Framing {
    place: Place,
    /// The beginning of a line whose end has not arrived; hyper bounds the size of a head.
    partial: Vec<u8>,
    head: Head,
    verdicts: VecDeque<Verdict>,
}

#[derive(Debug, Default)]
enum Place {
    #[default]
    Head,
    Body(u64),
    /// After the last request that can be followed.
    End,
}

/// The framing headers of the head that is being read.
#[derive(Debug, Default)]
struct Head {
    begun: bool,
    length: Option<u64>,
    encoded: bool,
    ambiguous: bool,
}

impl Framing {
    /// Takes the next bytes from the wire, split anywhere.
    pub fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match &mut self.place {
                Place::End => return,
                Place::Body(left) => {
                    let skipped = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left -= skipped as u64;
                    bytes = &bytes[skipped..];
                    if *left == 0 {
                        self.place = Place::Head;
                    }
                }
                Place::Head => {
                    let Some(end) = memchr::memchr(b'\n', bytes) else {
                        self.partial.extend_from_slice(bytes);
                        return;
                    };
                    let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
                    if self.partial.is_empty() {
                        self.line(line);
                    } else {
                        let mut whole = std::mem::take(&mut self.partial);
                        whole.extend_from_slice(line);
                        self.line(&whole);
                    }
                    bytes = rest;
                }
            }
        }
    }

    /// The verdict on the next request, in the order of arrival. hyper never hands out a request
    /// whose head did not pass through here; should the two ever disagree, it is ambiguous.
    pub fn next(&mut self) -> Verdict {
        self.verdicts.pop_front().unwrap_or(Verdict::Ambiguous)
    }

    fn line(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.is_empty() {
            // The first line of a head is the request line.
            if std::mem::replace(&mut self.head.begun, true) {
                self.head.header(line);
            }
        } else if self.head.begun {
            let (verdict, place) = std::mem::take(&mut self.head).end();
            self.verdicts.push_back(verdict);
            self.place = place;
        }
    }
}

impl Head {
    fn header(&mut self, line: &[u8]) {
        // Hardly any header begins like one of the two, so nothing else is looked at closely.
        match line[0] {
            b'C' | b'c' => {
                let Some(value) = value(line, b"content-length") else { return };
                let length = digits(value.trim_ascii());
                self.ambiguous |= self.length.is_some() || length.is_none();
                self.length = length.or(Some(0));
            }
            b'T' | b't' => {
                let Some(value) = value(line, b"transfer-encoding") else { return };
                let chunked = value.trim_ascii().eq_ignore_ascii_case(b"chunked");
                self.ambiguous |= self.encoded || !chunked;
                self.encoded = true;
            }
            _ => {}
        }
    }

    fn end(self) -> (Verdict, Place) {
        match (self.encoded, self.length) {
            _ if self.ambiguous => (Verdict::Ambiguous, Place::End),
            (true, Some(_)) => (Verdict::Ambiguous, Place::End),
            (true, None) => (Verdict::Last, Place::End),
            (false, None | Some(0)) => (Verdict::Clear, Place::Head),
            (false, Some(length)) => (Verdict::Clear, Place::Body(length)),
        }
    }
}

/// The value of the header in `line`, if it is `name` (in lower case).
fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = line.split_at_checked(name.len())?;
    if first.eq_ignore_ascii_case(name) { rest.strip_prefix(b":") } else { None }
}

/// A number of decimal digits and nothing else.
fn digits(text: &[u8]) -> Option<u64> {
    let digits = text.iter().all(u8::is_ascii_digit).then_some(text)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(bytes: &[u8]) -> Vec<Verdict> {
        let mut framing = Framing::default();
        framing.follow(bytes);
        let whole: Vec<_> = framing.verdicts.into();
        // However the network splits it, the answer is the same.
        for split in 0..bytes.len() {
            let mut framing = Framing::default();
            framing.follow(&bytes[..split]);
            framing.follow(&bytes[split..]);
            assert_eq!(Vec::from(framing.verdicts), whole, "split at {split}");
        }
        whole
    }

    #[test]
    fn follows_pipelined_requests() {
        use Verdict::{Clear, Last};
        let bytes = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\
            POST / HTTP/1.1\r\nContent-Length: 18\r\n\r\ncontent-length: 7\n\
            PUT / HTTP/1.1\ncontent-length: 0\n\n\
            POST / HTTP/1.1\r\ntransfer-Encoding: Chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n";
        assert_eq!(verdicts(bytes), [Clear, Clear, Clear, Last]);
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
        ] {
            let bytes = format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\nhello");
            assert_eq!(verdicts(bytes.as_bytes()), [Verdict::Ambiguous], "{headers}");
        }
    }

    #[test]
    fn a_request_that_was_not_seen_is_ambiguous() {
        assert_eq!(Framing::default().next(), Verdict::Ambiguous);
    }
}
