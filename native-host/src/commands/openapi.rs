//! `trireme openapi`: the document that `/openapi.json` serves.

use super::{Failure, output::say_json};

pub fn run() -> Result<(), Failure> {
    say_json(&trireme::openapi::document())
}
