//! Outbound calls by the platform's `fetch`. It does not say which address a name stands for; from the
//! platform's network no private one can be reached.

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use js_sys::{Error, Uint8Array, futures::JsFuture};
use trireme_core::{
    host::BodyError,
    http::{
        body::gather,
        call::{Checked, FetchError},
    },
};
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{AbortController, Headers, RequestInit, RequestRedirect, WorkerGlobalScope};
use worker::Body;

use crate::{request::headers, time::within};

pub async fn fetch(checked: Checked) -> Result<Response<Bytes>, FetchError> {
    let Checked { request, time, size, .. } = checked;
    within(time, exchange(request, size)).await.unwrap_or(Err(FetchError::TimedOut))
}

async fn exchange(request: Request<Bytes>, size: usize) -> Result<Response<Bytes>, FetchError> {
    let abort = Abort(AbortController::new().map_err(|error| why(&error))?);
    let init = init(&request, &abort).map_err(|error| why(&error))?;
    let worker: WorkerGlobalScope = js_sys::global().unchecked_into();
    let promise = worker.fetch_with_str_and_init(&request.uri().to_string(), &init);
    let answer = JsFuture::from(promise).await.map_err(|error| why(&error))?;
    let answer: web_sys::Response = answer.unchecked_into();
    let body = match answer.body() {
        Some(stream) => gather(&mut Body::new(stream), size).await,
        None => Ok(Bytes::new()),
    };
    let body = body.map_err(|error| match error {
        BodyError::TooLarge => FetchError::TooLarge,
        _ => FetchError::Unreachable("the answer broke off".to_owned()),
    })?;
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status()).unwrap_or_default();
    *response.headers_mut() = headers(&answer.headers()).0;
    // The platform has unpacked the body.
    response.headers_mut().remove(header::CONTENT_ENCODING);
    Ok(response)
}

fn init(request: &Request<Bytes>, abort: &Abort) -> Result<RequestInit, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in request.headers() {
        headers.append(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))?;
    }
    let init = RequestInit::new();
    init.set_method(request.method().as_str());
    init.set_headers(&headers);
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(&abort.0.signal()));
    if !request.body().is_empty() {
        init.set_body(&Uint8Array::from(request.body().as_ref()));
    }
    Ok(init)
}

/// Ends the platform's side of a call that nobody waits for any more.
struct Abort(AbortController);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The platform's message, unless it may have an URL in it.
fn why(error: &JsValue) -> FetchError {
    let message = error.dyn_ref::<Error>().map(|error| String::from(error.message()));
    let message = message.filter(|message| !message.contains('/'));
    FetchError::Unreachable(message.unwrap_or_else(|| "the platform does not say why".to_owned()))
}
