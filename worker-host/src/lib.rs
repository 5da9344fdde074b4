//! Trireme on Cloudflare Workers, as a library for a product's Worker. Only translation is here:
//! requests and responses, the adapter traits, the configuration. What is answered is decided by
//! `trireme` and by the product.
#![cfg(target_family = "wasm")]

mod body;
mod database;
#[cfg(feature = "fault-injection")]
mod fault;
mod host;
mod isolate;
mod log;
mod outbound;
mod platform;
mod request;
mod response;
mod scheduled;
mod time;

use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures_util::FutureExt as _;
use trireme::Product;
use trireme_core::{Code, Error};
use wasm_bindgen::JsValue;
use worker::{Context, Env, console_error};

use self::{body::Upload, host::WorkerHost, isolate::Isolate};

#[doc(hidden)]
pub use ::worker as sdk;
pub use scheduled::scheduled;

/// Makes a Worker of a product: the functions that the platform calls. The one line of a `cdylib`
/// package, built by `cargo xtask build workers`.
///
/// ```ignore
/// #![cfg(target_family = "wasm")]
///
/// trireme_workers::worker!(harbour::Harbour);
/// ```
#[macro_export]
macro_rules! worker {
    ($product:ty) => {
        mod exports {
            use $crate::sdk::{
                Env,
                wasm_bindgen::{JsValue, prelude::wasm_bindgen},
                worker_sys::{Context, web_sys},
            };

            #[wasm_bindgen(
                                        wasm_bindgen = $crate::sdk::wasm_bindgen,
                                        wasm_bindgen_futures = $crate::sdk::wasm_bindgen_futures,
                                        js_sys = $crate::sdk::js_sys
                                    )]
            pub async fn fetch(
                request: web_sys::Request,
                env: Env,
                context: Context,
            ) -> Result<JsValue, JsValue> {
                $crate::fetch::<$product>(request, env, context).await
            }

            #[wasm_bindgen(
                                        wasm_bindgen = $crate::sdk::wasm_bindgen,
                                        wasm_bindgen_futures = $crate::sdk::wasm_bindgen_futures,
                                        js_sys = $crate::sdk::js_sys
                                    )]
            pub async fn scheduled(env: Env, context: Context) -> Result<(), JsValue> {
                $crate::scheduled::<$product>(env, context).await
            }
        }
    };
}

/// Answers one request.
pub async fn fetch<P: Product>(
    request: web_sys::Request,
    env: Env,
    context: worker::worker_sys::Context,
) -> Result<JsValue, JsValue> {
    let context = Context::new(context);
    let work = serve(isolate::of::<P>(&env), request, env, context);
    // It fails only where no answer can be put into the platform's form.
    AssertUnwindSafe(work).await.map(JsValue::from).map_err(|error| {
        console_error!("{error}");
        JsValue::from(&*error.to_string())
    })
}

async fn serve(
    isolate: Option<&'static Isolate>,
    request: web_sys::Request,
    env: Env,
    context: Context,
) -> worker::Result<web_sys::Response> {
    let body = Upload::of(&request);
    let response = match isolate {
        Some(isolate) => answer(isolate, &request, body.clone(), env, context).await,
        None => trireme::unconfigured(platform::now(), &platform::random()),
    };
    body.discard().await;
    response::write(&response)
}

async fn answer(
    isolate: &'static Isolate,
    request: &web_sys::Request,
    body: Upload,
    env: Env,
    context: Context,
) -> http::Response<Bytes> {
    let app = &isolate.app;
    let host = WorkerHost::new(isolate, env, context);
    let (peer, request) = request::read(request, body);
    let request = match request {
        Ok(request) => request,
        Err(head) => {
            let error = Error::new(Code::MALFORMED_REQUEST, "The request's head can't be read.");
            return trireme::refuse(app, &host, peer, &head, error).response;
        }
    };
    #[cfg(feature = "fault-injection")]
    if let Some(answer) = trireme::trial::answer(&host, request.headers()).await {
        return answer;
    }
    // A panic costs its own request an answer of 500, and nothing else.
    let work = AssertUnwindSafe(async {
        #[cfg(feature = "fault-injection")]
        fault::inject(request.headers());
        trireme::dispatch(app, &host, peer, request).await
    });
    work.catch_unwind().await.unwrap_or_else(|_| trireme::panicked(app, &host)).response
}
