//! How a check ends.

use std::fmt::Display;

use serde::Serialize;
use serde_json::Value;

/// What a check returns: `Ok` when the contract held.
pub type Verdict<T = ()> = Result<T, Stop>;

/// Why a check ended early.
#[derive(Clone, Debug)]
pub enum Stop {
    Failed(Failure),
    /// The check does not fit this server; the text says why.
    NotApplicable(String),
}

/// One broken promise, with what a reader needs to see it again by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Method and path of the request, or what else was being looked at.
    pub request: String,
    pub expected: String,
    pub actual: String,
}

/// Ends a check as failed.
pub fn failed<T>(
    request: impl Into<String>,
    expected: impl Into<String>,
    actual: impl Into<String>,
) -> Verdict<T> {
    Err(Stop::Failed(Failure {
        request: request.into(),
        expected: expected.into(),
        actual: actual.into(),
    }))
}

/// Ends a check as failed unless `held`.
pub fn expect(
    held: bool,
    request: impl Into<String>,
    expected: impl Into<String>,
    actual: impl Display,
) -> Verdict {
    if held { Ok(()) } else { failed(request, expected, actual.to_string()) }
}

/// Ends a check as not applicable.
pub fn not_applicable<T>(reason: impl Into<String>) -> Verdict<T> {
    Err(Stop::NotApplicable(reason.into()))
}

/// The text at a JSON pointer, or a failure that shows the value.
pub fn text<'a>(value: &'a Value, pointer: &str) -> Verdict<&'a str> {
    match value.pointer(pointer).and_then(Value::as_str) {
        Some(text) => Ok(text),
        None => failed("an earlier answer", format!("a string at {pointer}"), value.to_string()),
    }
}
