//! The platform's clock and randomness.

use trireme_core::Timestamp;

/// The platform's clock. It stands still between two waits for something outside.
pub fn now() -> Timestamp {
    Timestamp::from_millis(js_sys::Date::now() as i64)
}

/// Bytes of `crypto.getRandomValues`.
pub fn random<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    fill(&mut out);
    out
}

pub fn fill(out: &mut [u8]) {
    if let Err(error) = getrandom::fill(out) {
        // An answer of 500 is better than an identifier or a token that can be guessed.
        panic!("there is no randomness: {error}");
    }
}
