//! Outbound calls by Spin's HTTP client, to hosts that `allowed_outbound_hosts` names. It does not say
//! which address a name stands for: who runs Spin can block private networks there.

use bytes::Bytes;
use http::{Request, Response, header};
use spin_sdk::{
    http::{FullBody, send},
    wasip3::http::types::ErrorCode,
};
use trireme_core::{
    host::BodyError,
    http::{
        body::gather,
        call::{Checked, FetchError},
    },
};

use crate::platform::within;

pub async fn fetch(checked: Checked) -> Result<Response<Bytes>, FetchError> {
    let Checked { request, time, size, .. } = checked;
    within(time, exchange(request, size)).await.unwrap_or(Err(FetchError::TimedOut))
}

async fn exchange(mut request: Request<Bytes>, size: usize) -> Result<Response<Bytes>, FetchError> {
    // Spin would send it in chunks, which not every server takes.
    if !request.body().is_empty() {
        let length = request.body().len().into();
        request.headers_mut().insert(header::CONTENT_LENGTH, length);
    }
    let answer = send(request.map(FullBody::new)).await.map_err(|code| why(&code))?;
    let (head, mut body) = answer.into_parts();
    match gather(&mut body, size).await {
        Ok(body) => Ok(Response::from_parts(head, body)),
        Err(BodyError::TooLarge) => Err(FetchError::TooLarge),
        Err(_) => Err(FetchError::Unreachable("the answer broke off".to_owned())),
    }
}

/// The code's name alone: its text is Spin's own, with whatever is in there.
fn why(code: &ErrorCode) -> FetchError {
    match code {
        ErrorCode::HttpRequestDenied => {
            FetchError::Refused("the host is none of allowed_outbound_hosts")
        }
        ErrorCode::DestinationIpProhibited => {
            FetchError::Refused("the name stands for an address that must not be called")
        }
        code => {
            let text = format!("{code:?}");
            let name = text.strip_prefix("ErrorCode::").unwrap_or(&text);
            let end = name.find(|it: char| !it.is_alphanumeric()).unwrap_or(name.len());
            FetchError::Unreachable(name[..end].to_owned())
        }
    }
}
