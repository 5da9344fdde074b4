//! Conditional requests (RFC 9110, section 13): a record's version is its strong `ETag`.

use bytes::Bytes;
use http::{Method, Response, StatusCode, header, request::Parts};
use shared::{Code, Error, host::Host, sql::Value};

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
    let Some(tag) = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()) else {
        return;
    };
    let Some((_, tag)) = tags(tag).next() else { return };
    let known = request.headers.get_all(header::IF_NONE_MATCH).iter().any(|line| {
        line.to_str().is_ok_and(|line| tags(line).any(|(_, known)| known == "*" || known == tag))
    });
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
            for (weak, tag) in line.to_str().map(tags).into_iter().flatten() {
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
        Error::new(Code::PreconditionFailed, "The record has changed since that version.")
    }
}

/// The members of a list of tags: whether weak, and the tag without quotes and coding.
fn tags(line: &str) -> impl Iterator<Item = (bool, &str)> {
    line.split(',').map(str::trim).filter_map(|member| {
        if member == "*" {
            return Some((false, member));
        }
        let (weak, quoted) = match member.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, member),
        };
        let tag = quoted.strip_prefix('"')?.strip_suffix('"')?;
        let tag = tag.strip_suffix(GZIP_SUFFIX).unwrap_or(tag);
        // Ours are digits and hyphens; nothing else can match, nor be let into a pattern.
        tag.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-').then_some((weak, tag))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists_of_tags() {
        let read: Vec<_> = tags(r#""3", W/"4" , "5-gzip", *, "x", 6, "%""#).collect();
        assert_eq!(read, [(false, "3"), (true, "4"), (false, "5"), (false, "*")]);
        assert_eq!(compressed(&etag("3")).unwrap(), "\"3-gzip\"");
    }
}
