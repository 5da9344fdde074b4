//! A JSON body: never a panic, and what is accepted is JSON to others, too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trireme_core::{Timestamp, Uuid, json, validate::{Color, Email, Fields, Patch}};
use validator::Validate;

#[derive(Validate)]
struct Input {
    #[validate(length(min = 1, max = 200))]
    title: String,
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = json::parse(bytes) else { return };
    let lenient: serde_json::Value = serde_json::from_slice(bytes).expect("strict is a part of lenient");
    assert_eq!(value, lenient);
    let Ok(mut fields) = Fields::of_body(value) else { return };
    let input = Input { title: fields.required("title") };
    let _: Patch<Option<String>> = fields.change_nullable("description");
    let _: Option<Timestamp> = fields.optional("due_at");
    let _: Option<Uuid> = fields.change("context_id");
    let _: Option<Color> = fields.optional("color");
    let _: Option<Email> = fields.optional("email");
    if let Ok(input) = fields.finish(input) {
        assert!((1..=200).contains(&input.title.chars().count()) && !input.title.contains('\0'));
    }
});
