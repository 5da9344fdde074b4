//! Trireme on Cloudflare Workers. Only translation is here: requests and responses, the adapter
//! traits, the configuration. What is answered is decided in `handlers`.
#![cfg(target_family = "wasm")]

mod body;
mod database;
#[cfg(feature = "fault-injection")]
mod fault;
mod host;
mod isolate;
mod log;
mod request;
mod response;
mod scheduled;
mod time;

use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures_util::FutureExt as _;
use trireme_core::{Code, Error};
use worker::{Context, Env, event};

use self::{body::Upload, database::Database, host::WorkerHost, isolate::Isolate};

/// Answers one request. It fails only where no answer can be put into the platform's form.
#[event(fetch)]
async fn fetch(
    request: web_sys::Request,
    env: Env,
    context: Context,
) -> worker::Result<web_sys::Response> {
    let body = Upload::of(&request);
    let response = match isolate::of(&env) {
        Some(isolate) => answer(isolate, &request, body.clone(), env, context).await,
        None => trireme::unconfigured(host::now(), &host::random()),
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
    let host = WorkerHost::new(Database::new(&isolate.way, env, context));
    let request = match request::read(request, body) {
        Ok(request) => request,
        Err(head) => {
            let error = Error::new(Code::MALFORMED_REQUEST, "The request's head can't be read.");
            return trireme::refuse(app, &host, &head, error);
        }
    };
    // A panic costs its own request an answer of 500, and nothing else.
    let work = AssertUnwindSafe(async {
        #[cfg(feature = "fault-injection")]
        fault::inject(request.headers());
        trireme::dispatch(app, &host, request).await
    });
    work.catch_unwind().await.unwrap_or_else(|_| trireme::panicked(app, &host))
}
