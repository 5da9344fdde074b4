//! Trireme on Spin: a component that answers HTTP by the same handlers as every host.
//!
//! Spin reuses an instance for many requests, some of them at once; what is made once lives in
//! statics. It holds no rule of the product: translation, the adapter traits, configuration.
#![cfg(target_family = "wasm")]
#![expect(clippy::disallowed_methods, reason = "a host is where the clock is read")]

mod app;
mod database;
#[cfg(feature = "fault-injection")]
mod faults;
mod host;
mod request;

use bytes::Bytes;
use http::Response;
use spin_sdk::{
    http::{FullBody, IntoResponse, Request},
    http_service,
};

use self::host::SpinHost;

#[http_service]
async fn serve(request: Request) -> impl IntoResponse {
    answer(request).await.map(FullBody::new)
}

async fn answer(request: Request) -> Response<Bytes> {
    let Some(app) = app::get().await else {
        return request::with_length(trireme::unconfigured(host::now(), &host::random()));
    };
    let host = SpinHost::new(&app.config);
    #[cfg(feature = "fault-injection")]
    faults::arm(request.headers());
    let (request, rest) = request::translate(request);
    let response = trireme::dispatch(app, &host, request).await;
    rest.discard().await;
    request::with_length(response)
}
