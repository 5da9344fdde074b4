use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, Response, header};

use crate::conditional;

/// Smaller bodies are not worth it.
const LEAST: usize = 1024;

/// Compresses a body of more than 1 KiB for a caller that asks for gzip.
pub fn gzip(request: &HeaderMap, response: &mut Response<Bytes>) {
    if response.body().len() <= LEAST || response.headers().contains_key(header::CONTENT_ENCODING) {
        return;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !accepts_gzip(request) {
        return;
    }
    let plain = response.body();
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 3), Compression::new(4));
    let Ok(small) = encoder.write_all(plain).and_then(|()| encoder.finish()) else { return };
    *response.body_mut() = Bytes::from(small);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let tag = tag.and_then(conditional::compressed);
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
        headers.insert(header::ETAG, tag);
    }
}

/// RFC 9110, section 12.5.3: `gzip` or `*`, unless its weight is 0.
fn accepts_gzip(request: &HeaderMap) -> bool {
    let lines =
        request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut any = false;
    for member in lines.flat_map(|line| line.split(',')) {
        let mut parts = member.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
        let accepted = weight.parse::<f32>().is_ok_and(|weight| weight > 0.0);
        if coding.eq_ignore_ascii_case("gzip") {
            return accepted;
        }
        any |= coding == "*" && accepted;
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_heeded() {
        let accepts = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, line.parse().unwrap());
            accepts_gzip(&headers)
        };
        for line in ["gzip", "br, GZIP;q=0.5", "*", "deflate, *;q=0.1"] {
            assert!(accepts(line), "{line}");
        }
        for line in ["br", "gzip;q=0", "gzip;q=0, *", "*;q=0", "identity"] {
            assert!(!accepts(line), "{line}");
        }
    }
}
