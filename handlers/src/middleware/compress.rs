//! The content coding of an answer: gzip or none (RFC 9110, sections 8.4.1.3 and 12.5.3).

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::DeflateEncoder};
use http::{HeaderMap, HeaderValue, Response, header};
use trireme_core::host::Host;

use super::crc32::crc32;
use crate::conditional;

/// gzip (RFC 1952) that tells neither a name, a time nor a system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Smaller bodies are not worth it.
const LEAST: usize = 1024;

/// What is compressed without a pause: some hundreds of microseconds.
const SLICE: usize = 32 << 10;

/// Chooses the coding and tells it by the headers; whether [`pack`] has to follow. The body is
/// still plain: an answer that turns out to be a 304 needs the headers alone.
pub fn choose(request: &HeaderMap, response: &mut Response<Bytes>) -> bool {
    let length = response.body().len();
    let headers = response.headers_mut();
    if length == 0 || headers.contains_key(header::CONTENT_ENCODING) {
        return false;
    }
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !Wanted::read(request).is_gzip(length) {
        return false;
    }
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let tag = tag.and_then(conditional::compressed);
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
        headers.insert(header::ETAG, tag);
    }
    true
}

/// Compresses the body, in slices between which others have their turn.
pub async fn pack<H: Host>(host: &H, response: &mut Response<Bytes>) {
    let plain = std::mem::take(response.body_mut());
    let mut packed = Vec::with_capacity(plain.len() / 3);
    packed.extend(HEADER);
    let mut encoder = DeflateEncoder::new(packed, Compression::new(4));
    let mut check = 0;
    for (number, slice) in plain.chunks(SLICE).enumerate() {
        if number > 0 {
            host.pause().await;
        }
        encoder.write_all(slice).expect("a Vec takes everything");
        check = crc32(check, slice);
    }
    let mut packed = encoder.finish().expect("a Vec takes everything");
    packed.extend(check.to_le_bytes());
    packed.extend((plain.len() as u32).to_le_bytes());
    *response.body_mut() = Bytes::from(packed);
}

/// The weights, in thousandths, of what there is to choose from; `None` where the caller says
/// nothing.
#[derive(Default)]
struct Wanted {
    gzip: Option<u16>,
    identity: Option<u16>,
}

impl Wanted {
    fn read(request: &HeaderMap) -> Self {
        let lines = request.get_all(header::ACCEPT_ENCODING).iter();
        let members = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
        let (mut wanted, mut others) = (Self::default(), None::<u16>);
        // A member that does not follow the grammar says nothing.
        for (coding, weight) in members.filter_map(member) {
            let is = |name: &[u8]| coding.eq_ignore_ascii_case(name);
            let known = if is(b"gzip") || is(b"x-gzip") {
                &mut wanted.gzip
            } else if is(b"identity") {
                &mut wanted.identity
            } else if coding == b"*" {
                &mut others
            } else {
                continue;
            };
            // Named twice, the refusal counts.
            *known = Some(known.map_or(weight, |other| other.min(weight)));
        }
        Self { gzip: wanted.gzip.or(others), identity: wanted.identity.or(others) }
    }

    /// Who refuses both gets the plain body: an answer is better than none.
    fn is_gzip(&self, length: usize) -> bool {
        match (self.gzip.unwrap_or(0), self.identity) {
            (0, _) => false,
            (_, Some(0)) => true,
            (gzip, identity) => length > LEAST && identity.is_none_or(|identity| gzip >= identity),
        }
    }
}

/// `coding [ OWS ";" OWS "q=" qvalue ]`; `q` may be written in either case.
fn member(text: &[u8]) -> Option<(&[u8], u16)> {
    let mut parts = text.splitn(2, |&byte| byte == b';').map(<[u8]>::trim_ascii);
    let coding = parts.next()?;
    let Some(weight) = parts.next() else { return Some((coding, 1000)) };
    let value = weight.strip_prefix(b"q=").or_else(|| weight.strip_prefix(b"Q="))?;
    Some((coding, thousandths(value)?))
}

/// `0` or `1` with up to three digits after a point, at most 1.
fn thousandths(value: &[u8]) -> Option<u16> {
    let (whole, fraction) = match value {
        [whole] => (whole, &[][..]),
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
        _ => return None,
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    let places = fraction.iter().chain([b'0'; 3].iter()).take(3);
    let number = [whole]
        .into_iter()
        .chain(places)
        .try_fold(0, |number, byte| Some(number * 10 + digit(byte)?))?;
    (number <= 1000).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_gzip(lines: &[&str], length: usize) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            headers.append(header::ACCEPT_ENCODING, line);
        }
        Wanted::read(&headers).is_gzip(length)
    }

    #[test]
    fn the_whole_field_is_read() {
        for wanted in [
            &["gzip"][..],
            &["x-gzip"],
            &["br, GZIP;q=0.5"],
            &["gzip;Q=1.000"],
            &["gzip ; q=0.001"],
            &["*"],
            &["deflate, *;q=0.1"],
            &["br", ",, gzip"],
            &["gzip, é;q=1"],
            &["identity;q=0.5, gzip;q=0.5"],
            &["gzip;q=1.0, identity; q=0.5, *;q=0"],
        ] {
            assert!(is_gzip(wanted, 2000), "{wanted:?}");
            assert!(!is_gzip(&["gzip"], LEAST));
        }
        for unwanted in [
            &[][..],
            &[""],
            &["br"],
            &["gzip;q=0"],
            &["gzip;Q=0"],
            &["gzip;q=0."],
            &["gzip;Q=0.000, *"],
            &["*;q=0"],
            &["identity"],
            &["identity;q=0"],
            &["gzip;q=0.5, identity"],
            &["identity, *;q=0.9"],
            &["gzip", "gzip;q=0"],
            &["gzip;q=2"],
            &["gzip;q=-1"],
            &["gzip;q=1.001"],
            &["gzip;q=0.0001"],
            &["gzip;q=.5"],
            &["gzip;q=nan"],
            &["gzip;q = 1"],
            &["gzip;level=9"],
            &["gzip;q=1;q=0"],
            &["gzip;"],
            &["gzipped"],
        ] {
            assert!(!is_gzip(unwanted, 2000), "{unwanted:?}");
        }
    }

    #[test]
    fn who_refuses_the_plain_body_gets_even_a_small_one_compressed() {
        for wanted in [&["gzip, identity;q=0"][..], &["gzip, *;q=0"], &["*, identity;Q=0.0"]] {
            assert!(is_gzip(wanted, 1), "{wanted:?}");
        }
    }
}
