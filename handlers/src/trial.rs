//! In builds for tests alone: an outbound call, or one after the answer, at a header's word.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use std::time::Duration;
use trireme_core::{
    host::Host,
    http::call::{Call, FetchError},
};

/// The answer to `X-Fault: fetch` or `later`, with the URL in `X-Fault-Url`: what the call came to.
pub async fn answer<H: Host>(host: &H, headers: &HeaderMap) -> Option<Response<Bytes>> {
    let text = |name| headers.get(name)?.to_str().ok();
    let url = text("x-fault-url")?;
    let mut response = Response::new(Bytes::new());
    match text("x-fault")? {
        "fetch" => *response.body_mut() = told(fetch(host, url).await).into(),
        "later" => {
            *response.status_mut() = StatusCode::ACCEPTED;
            let url = url.to_owned();
            host.later(async move |host: &H| {
                let held = told(fetch(host, &url).await);
                let after = fetch(host, &format!("{url}-and-after")).await;
                tracing::info!(held, after = told(after), "worked after the answer");
            });
        }
        _ => return None,
    }
    Some(response)
}

async fn fetch<H: Host>(host: &H, url: &str) -> Result<Response<Bytes>, FetchError> {
    let call = Call::to_operators(url).body("text/plain", "ping");
    host.fetch(call.within(Duration::from_secs(2)).at_most(1000)).await
}

fn told(result: Result<Response<Bytes>, FetchError>) -> String {
    match result {
        Ok(answer) => {
            let (head, body) = answer.into_parts();
            format!("{} {}", head.status.as_u16(), String::from_utf8_lossy(&body))
        }
        Err(FetchError::Unreachable(_)) => "Unreachable".to_owned(),
        Err(FetchError::Refused(_)) => "Refused".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}
