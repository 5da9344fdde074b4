//! Conditional requests (RFC 9110, section 13): a record's version is its strong `ETag`.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use trireme_core::{Code, Error, host::Host, sql::Value};

use crate::context::Context;

/// A compressed body is another representation; its tag ends so.
const GZIP_SUFFIX: &str = "-gzip";

/// `"3"`, or `"3-gzip"` once compressed.
pub fn etag(tag: &str) -> String {
    format!("\"{tag}\"")
}

/// The tag of the compressed form of a response.
pub fn compressed(tag: &str) -> Option<String> {
    Some(format!("{}{GZIP_SUFFIX}\"", tag.strip_suffix('"')?))
}

/// Makes a 304 of the answer to a GET when the caller has it already, in whichever coding
/// (section 13.1.2 compares weakly). It keeps the headers that the 200 would have had, but for
/// those that describe a body.
pub fn not_modified(request: &Parts, response: &mut Response<Bytes>) {
    if response.status() != StatusCode::OK || !matches!(request.method, Method::GET | Method::HEAD)
    {
        return;
    }
    let Some(tag) = response.headers().get(header::ETAG) else { return };
    let Some((_, tag)) = tags(tag).next() else { return };
    let known = request.headers.get_all(header::IF_NONE_MATCH);
    let known = known.iter().flat_map(tags).any(|(_, known)| known == "*" || known == tag);
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.body_mut().clear();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::CONTENT_ENCODING);
    }
}

/// What `If-Match` demands, in the form that SQL compares: the tags between commas, `,3,4,`.
pub struct Precondition(Option<String>);

impl Precondition {
    pub fn read<H: Host>(cx: &Context<'_, H>) -> Self {
        let lines = cx.headers().get_all(header::IF_MATCH);
        if !cx.headers().contains_key(header::IF_MATCH) {
            return Self(None);
        }
        let mut demanded = String::from(",");
        for line in lines {
            for (weak, tag) in tags(line) {
                if tag == "*" {
                    return Self(None);
                }
                // A weak tag never matches here (RFC 9110, section 13.1.1).
                if !weak {
                    demanded.push_str(tag);
                    demanded.push(',');
                }
            }
        }
        Self(Some(demanded))
    }

    /// For `($n IS NULL OR $n LIKE '%,' || tag || ',%')`.
    pub fn value(&self) -> Value<'_> {
        self.0.as_deref().into()
    }

    pub fn holds(&self, tag: &str) -> bool {
        self.0.as_ref().is_none_or(|demanded| demanded.contains(&format!(",{tag},")))
    }

    pub const fn is_given(&self) -> bool {
        self.0.is_some()
    }

    pub fn failed() -> Error {
        Error::new(Code::PRECONDITION_FAILED, "The record has changed since that version.")
    }
}

/// The members of a list of tags: whether weak, and the tag without quotes and coding. Others' tags
/// may hold any byte but a quote, commas too (RFC 9110, section 8.8.3).
fn tags(line: &HeaderValue) -> impl Iterator<Item = (bool, &str)> {
    let mut quoted = false;
    let is_end = move |byte: &u8| {
        quoted ^= *byte == b'"';
        *byte == b',' && !quoted
    };
    line.as_bytes().split(is_end).map(<[u8]>::trim_ascii).filter_map(|member| {
        if member == b"*" {
            return Some((false, "*"));
        }
        let (weak, quoted) = match member.strip_prefix(b"W/") {
            Some(quoted) => (true, quoted),
            None => (false, member),
        };
        let tag = str::from_utf8(quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?).ok()?;
        let tag = tag.strip_suffix(GZIP_SUFFIX).unwrap_or(tag);
        // Ours are digits and hyphens; nothing else can match, nor be let into a pattern.
        tag.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-').then_some((weak, tag))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[u8]) -> Vec<(bool, String)> {
        let line = HeaderValue::from_bytes(line).unwrap();
        tags(&line).map(|(weak, tag)| (weak, tag.to_owned())).collect()
    }

    #[test]
    fn reads_lists_of_tags() {
        let tags = read(br#""3", W/"4" , "5-gzip", *, "x", 6, "%""#);
        let tags: Vec<_> = tags.iter().map(|(weak, tag)| (*weak, tag.as_str())).collect();
        assert_eq!(tags, [(false, "3"), (true, "4"), (false, "5"), (false, "*")]);
        assert_eq!(compressed(&etag("3")).unwrap(), "\"3-gzip\"");
    }

    #[test]
    fn what_others_tags_hold_changes_nothing() {
        for other in ["\"a,*,b\"", "\"a,W/\"", "\",\"", "\"\u{e9}\"", "\u{ff}", "\"1\" \"2\"", "1"]
        {
            let line: Vec<_> =
                format!("{other}, \"3\"").chars().map(|letter| letter as u8).collect();
            assert_eq!(read(&line), [(false, "3".to_owned())], "{other}");
        }
    }
}
