//! Trireme on Spin, as a library for a product's component, which answers HTTP by the same
//! handlers as every host.
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
mod outbound;
mod platform;
mod request;

use bytes::Bytes;
use http::Response;
use spin_sdk::{
    http::{FromRequest as _, FullBody, IntoResponse as _, Request},
    wasip3::http::types,
};
use trireme::{App, Product};

use self::host::SpinHost;

#[doc(hidden)]
pub use spin_sdk;

/// Makes a component of a product: the function that Spin calls. The one line of a `cdylib`
/// package, built by `cargo xtask build spin`.
///
/// ```ignore
/// #![cfg(target_family = "wasm")]
///
/// trireme_spin::component!(harbour::Harbour);
/// ```
#[macro_export]
macro_rules! component {
    ($product:ty) => {
        struct Component;

        $crate::spin_sdk::wasip3::http::service::export!(Component);

        impl $crate::spin_sdk::wasip3::exports::http::handler::Guest for Component {
            async fn handle(
                request: $crate::spin_sdk::wasip3::http::types::Request,
            ) -> Result<
                $crate::spin_sdk::wasip3::http::types::Response,
                $crate::spin_sdk::wasip3::http::types::ErrorCode,
            > {
                $crate::handle::<$product>(request).await
            }
        }
    };
}

/// Answers one request.
pub async fn handle<P: Product>(
    request: types::Request,
) -> Result<types::Response, types::ErrorCode> {
    let request = Request::from_request(request)?;
    let app = app::get::<P>().await;
    answer(app, request).await.map(FullBody::new).into_response()
}

async fn answer(app: Option<&'static App<SpinHost>>, request: Request) -> Response<Bytes> {
    let Some(app) = app else {
        return request::with_length(trireme::unconfigured(platform::now(), &platform::random()));
    };
    let host = SpinHost::new(&app.config);
    #[cfg(feature = "fault-injection")]
    faults::arm(request.headers());
    #[cfg(feature = "fault-injection")]
    if let Some(answer) = trireme::trial::answer(&host, request.headers()).await {
        return request::with_length(answer);
    }
    let (peer, request, rest) = request::translate(request);
    let response = trireme::dispatch(app, &host, peer, request).await.response;
    rest.discard().await;
    request::with_length(response)
}
