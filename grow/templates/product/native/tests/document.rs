//! The document that every host serves.

use @lib@::@Product@;

#[test]
fn the_document_is_what_the_code_says() {
    let committed = include_str!("../../openapi.json");
    let made = trireme::document::<@Product@>();
    assert!(
        committed.trim_end() == format!("{made:#}"),
        "make openapi.json anew: cargo run -q -- openapi > openapi.json"
    );
}
