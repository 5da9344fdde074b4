//! The least that a Worker can be: what Trireme's is measured against.
#![cfg(target_family = "wasm")]

use worker::{Context, Env, HttpRequest, event};

#[event(fetch)]
async fn fetch(
    _request: HttpRequest,
    _env: Env,
    _context: Context,
) -> worker::Result<http::Response<String>> {
    Ok(http::Response::new("hello".to_owned()))
}
