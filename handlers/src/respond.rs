//! Answers of handlers that went well.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use trireme_core::{Error, error::Result, host::Host, page::PageRequest};

use crate::{context::Context, database::RowOf, record::Sorted};

/// What is written without a pause: some hundreds of microseconds.
const SLICE: usize = 64 << 10;

/// A JSON body.
pub fn json<T: Serialize + ?Sized>(status: StatusCode, body: &T) -> Result<Response<Bytes>> {
    Ok(bytes(status, "application/json", encode(body)?.into()))
}

/// Most records' size, in bytes.
const RECORD: usize = 512;

/// JSON in its bytes, for a body that is kept as well as sent.
pub fn encode<T: Serialize + ?Sized>(body: &T) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(RECORD);
    serde_json::to_writer(&mut bytes, body).map_err(Error::internal)?;
    Ok(bytes)
}

/// A [`trireme_core::page::Page`] of the rows, item by item with pauses between: a hundred long texts
/// are milliseconds of work.
pub async fn page<'r, H: Host, T: Sorted<'r>>(
    cx: &Context<'_, H>,
    page: &PageRequest,
    rows: &'r [RowOf<H>],
) -> Result<Response<Bytes>> {
    let (rows, more) = page.split(rows);
    let mut body = br#"{"items":["#.to_vec();
    let mut written = 0;
    let mut next = None;
    for (number, row) in rows.iter().enumerate() {
        if body.len() - written > SLICE {
            written = body.len();
            cx.host.pause().await;
        }
        let item = T::read(row)?;
        if number > 0 {
            body.push(b',');
        }
        serde_json::to_writer(&mut body, &item).map_err(Error::internal)?;
        if more && number + 1 == rows.len() {
            let (key, id) = item.key(page.sort());
            next = Some(page.cursor(&cx.app.config.auth.keys, &key, id));
        }
    }
    body.extend_from_slice(br#"],"next_cursor":"#);
    serde_json::to_writer(&mut body, &next).map_err(Error::internal)?;
    body.push(b'}');
    Ok(bytes(StatusCode::OK, "application/json", body.into()))
}

pub fn bytes(status: StatusCode, media: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = empty(status);
    *response.body_mut() = body;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

pub fn no_content() -> Response<Bytes> {
    empty(StatusCode::NO_CONTENT)
}

/// With room for the headers that an answer has in the end: a map that grows is made anew.
fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response.headers_mut().reserve(12);
    response
}

/// Adds a header whose value is ours, and therefore plain text.
pub fn with(mut response: Response<Bytes>, name: HeaderName, value: &str) -> Response<Bytes> {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
