//! `trireme openapi`: the document that `/openapi.json` serves.

use super::{Failure, output::say};

#[expect(clippy::unnecessary_wraps, reason = "every command has this form")]
pub fn run() -> Result<(), Failure> {
    say(format_args!("{:#}", handlers::openapi::document()));
    Ok(())
}
