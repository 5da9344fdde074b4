//! A query with a cursor: never a panic, and no forged cursor is taken.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trireme_core::{Code, Uuid, auth::keys::Ring, page::{PageRequest, Sort}, validate::Fields};
use validator::Validate;

#[derive(Validate)]
struct Nothing {}

const SORTS: &[Sort] = &[Sort { name: "created_at", column: "created_at" }];

fuzz_target!(|query: &str| {
    let keys = Ring::of_secret("a secret that is only used for fuzzing");
    let Ok(mut fields) = Fields::of_query(query) else { return };
    let page = PageRequest::read(&mut fields, &keys, "tasks", Uuid::nil(), SORTS, "");
    let has_cursor = query.split('&').any(|pair| pair.split('=').next() == Some("cursor"));
    match page {
        Ok(_) if fields.finish(Nothing {}).is_ok() => assert!(!has_cursor, "a forged cursor was taken"),
        Ok(_) => {}
        Err(error) => assert_eq!(error.code, Code::INVALID_CURSOR),
    }
});
