#[cfg(not(debug_assertions))]
compile_error!("fault injection is for trying things out, never for a release");

/// Panics where the header asks for it.
pub fn inject(headers: &http::HeaderMap) {
    assert!(headers.get("x-fault").is_none_or(|fault| fault != "panic"), "injected");
}
