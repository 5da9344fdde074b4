//! A panic on demand, in builds for tests alone: `X-Fault: panic` strikes in the middle of the
//! request's next batch.

#[cfg(not(debug_assertions))]
compile_error!("fault injection is for trying things out, never for a release");

use std::cell::Cell;

use http::HeaderMap;

thread_local! {
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

pub fn arm(headers: &HeaderMap) {
    if headers.get("x-fault").is_some_and(|fault| fault == "panic") {
        ARMED.set(true);
    }
}

pub fn strike() {
    assert!(!ARMED.take(), "a fault was asked for");
}
