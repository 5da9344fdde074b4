//! The OpenAPI document and a page over it. Nothing on the page comes from another origin.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use shared::{Error, error::Result, host::Host};

use crate::{context::Context, respond};

/// A file of the page; 404 where the docs are not served.
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
    ($name:ident, $media:literal, $text:expr) => {
        pub mod $name {
            use super::{Bytes, Context, Host, Response, Result, file};
            use crate::openapi::Operation;

            pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
                file(cx, $media, $text)
            }
            pub fn describe(op: Operation) -> Operation {
                op.hidden()
            }
        }
    };
}

file!(page, "text/html; charset=utf-8", include_bytes!("docs/index.html"));
file!(script, "text/javascript; charset=utf-8", include_bytes!("docs/app.js"));
file!(parts, "text/javascript; charset=utf-8", include_bytes!("docs/parts.js"));
file!(request, "text/javascript; charset=utf-8", include_bytes!("docs/request.js"));
file!(schema, "text/javascript; charset=utf-8", include_bytes!("docs/schema.js"));
file!(style, "text/css; charset=utf-8", include_bytes!("docs/style.css"));
file!(openapi, "application/json", &crate::openapi::TEXT);
