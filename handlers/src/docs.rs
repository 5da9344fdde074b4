//! The OpenAPI document and a page over it. Nothing on the page comes from another origin.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use trireme_core::{Error, error::Result, host::Host};

use crate::{context::Context, respond};

/// A file of the page; 404 where the docs are not served.
/// Whether a route is one of these pages, which a browser shows as such.
pub fn is_page(route: &str) -> bool {
    route == "/docs" || route.starts_with("/docs/")
}

fn file<H: Host>(
    cx: &Context<'_, H>,
    media: &'static str,
    text: &'static [u8],
) -> Result<Response<Bytes>> {
    if !cx.app.config.http.api_docs {
        return Err(Error::not_found());
    }
    let mut response = respond::bytes(StatusCode::OK, media, Bytes::from_static(text));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

macro_rules! file {
    ($name:ident, $media:literal, $source:literal) => {
        file!($name, $media, |cx| {
            const SOURCE: &[u8] = include_bytes!($source);
            static LEAN: [u8; lean(SOURCE, &mut [])] = {
                let mut text = [0; lean(SOURCE, &mut [])];
                lean(SOURCE, &mut text);
                text
            };
            &LEAN
        });
    };
    ($name:ident, $media:literal, |$cx:ident| $text:expr) => {
        pub mod $name {
            use super::*;
            use crate::openapi::Operation;

            pub async fn handle<H: Host>($cx: &Context<'_, H>) -> Result<Response<Bytes>> {
                file($cx, $media, $text)
            }
            pub fn describe(op: Operation) -> Operation {
                op.hidden()
            }
        }
    };
}

file!(page, "text/html; charset=utf-8", "docs/index.html");
file!(script, "text/javascript; charset=utf-8", "docs/app.js");
file!(parts, "text/javascript; charset=utf-8", "docs/parts.js");
file!(request, "text/javascript; charset=utf-8", "docs/request.js");
file!(schema, "text/javascript; charset=utf-8", "docs/schema.js");
file!(style, "text/css; charset=utf-8", "docs/style.css");
file!(openapi, "application/json", |cx| cx.app.product.document);

/// Copies a file without what is there for who reads its source: indentation, and comments that
/// begin a line. It copies as far as there is room, and answers how long the result is.
const fn lean(text: &[u8], room: &mut [u8]) -> usize {
    let (mut read, mut written) = (0, 0);
    while read < text.len() {
        while read < text.len() && text[read] == b' ' {
            read += 1;
        }
        let next = if read + 1 < text.len() { text[read + 1] } else { 0 };
        let block = read < text.len() && text[read] == b'/' && next == b'*';
        let line = read < text.len() && text[read] == b'/' && next == b'/';
        if block {
            read += 3;
        }
        while block && !(text[read - 1] == b'*' && text[read] == b'/') {
            read += 1;
        }
        while read < text.len() {
            let byte = text[read];
            read += 1;
            if !line && !block {
                if written < room.len() {
                    room[written] = byte;
                }
                written += 1;
            }
            if byte == b'\n' {
                break;
            }
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::lean;

    #[test]
    fn only_indentation_and_comments_that_begin_a_line_go() {
        let text = b"// a\n  /** b\n   * c\n   */\n  x(\"// d\"); /* e */\n\n* { f }\n  // g";
        let mut room = [0; 64];
        let length = lean(text, &mut room);
        assert_eq!(room[..length], *b"x(\"// d\"); /* e */\n\n* { f }\n");
    }
}
