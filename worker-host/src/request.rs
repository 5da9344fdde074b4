//! The platform's request as `http` has it.

use std::net::{IpAddr, Ipv4Addr};

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri, header::ACCEPT_ENCODING, request::Parts,
};
use js_sys::{Array, Reflect};
use trireme_core::host::Peer;
use wasm_bindgen::JsCast as _;

use crate::body::Upload;

/// Of a head that the platform let through and `http` does not, as much as can be read.
pub fn read(
    request: &web_sys::Request,
    body: Upload,
) -> (Peer, Result<Request<Upload>, Box<Parts>>) {
    let (method, uri) = (request.method().parse().ok(), request.url().parse().ok());
    let (mut headers, complete) = headers(&request.headers());
    let complete = complete && method.is_some() && uri.is_some();
    let uri: Uri = uri.unwrap_or_default();
    accept_encoding(request, &mut headers);
    let peer = peer(&uri, &headers);
    let mut read = Request::new(body);
    *read.method_mut() = method.unwrap_or_default();
    *read.uri_mut() = uri;
    *read.headers_mut() = headers;
    (peer, if complete { Ok(read) } else { Err(Box::new(read.into_parts().0)) })
}

/// The lines that can be read, and whether these are all. The platform has joined lines of the
/// same name by commas.
pub fn headers(from: &web_sys::Headers) -> (HeaderMap, bool) {
    let (mut headers, mut complete) = (HeaderMap::new(), true);
    for line in &from.entries() {
        match line.ok().and_then(|line| header(&line.unchecked_into())) {
            Some((name, value)) => drop(headers.append(name, value)),
            None => complete = false,
        }
    }
    (headers, complete)
}

fn header(line: &Array) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = (line.get(0).as_string()?, line.get(1).as_string()?);
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
}

/// The platform writes what itself accepts into the header, and keeps the client's own word.
fn accept_encoding(request: &web_sys::Request, headers: &mut HeaderMap) {
    let Ok(cf) = Reflect::get(request, &"cf".into()) else { return };
    if !cf.is_object() {
        return;
    }
    headers.remove(ACCEPT_ENCODING);
    let client = Reflect::get(&cf, &"clientAcceptEncoding".into()).ok();
    let client = client.and_then(|value| value.as_string());
    if let Some(value) = client.and_then(|value| HeaderValue::try_from(value).ok()) {
        headers.insert(ACCEPT_ENCODING, value);
    }
}

/// The platform ends the client's connection and says who it was; on its network a client can't
/// set this header. A runtime on a developer's machine may not say it.
fn peer(uri: &Uri, headers: &HeaderMap) -> Peer {
    let address = headers.get("cf-connecting-ip").and_then(|address| address.to_str().ok());
    let address = address.and_then(|address| address.parse::<IpAddr>().ok());
    Peer {
        address: address.map_or(Ipv4Addr::LOCALHOST.into(), |address| address.to_canonical()),
        trusted_platform: true,
        https: uri.scheme_str() == Some("https"),
    }
}
