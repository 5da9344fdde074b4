//! An access token: never a panic, and none that was not issued is accepted.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use trireme_core::{Secret, Timestamp, auth::access, config::{Auth, Config, Platform}};

static AUTH: LazyLock<Auth> = LazyLock::new(|| {
    let spare = Some(Secret::new("a secret that is only used for fuzzing"));
    let platform = Platform { spare, ..Platform::default() };
    Config::from_variables(|_| None, &platform, &[]).expect("development needs nothing").auth
});

fuzz_target!(|token: &str| {
    let verdict = access::verify(&AUTH, Timestamp::from_millis(1_795_000_000_000), token);
    assert!(verdict.is_err(), "a forged token was accepted");
});
