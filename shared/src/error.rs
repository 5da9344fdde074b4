//! Everything that can go wrong for a caller, once: code, status, title and meaning.
//! `docs/errors.md` and the OpenAPI document are made from [`CODES`] and from a product's own.

use std::{borrow::Cow, fmt};

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    host::{BodyError, Busy},
    names::{is_same, is_snake},
    sql::{DatabaseError, DecodeError},
};

/// A stable, documented name of a fault: one of Trireme's own, which are the constants here, or one
/// of a product's, by [`codes!`](crate::codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(&'static Naming);

#[derive(Debug, PartialEq, Eq, Hash)]
#[doc(hidden)]
pub struct Naming {
    pub name: &'static str,
    pub status: u16,
    pub title: &'static str,
}

/// A code, and what the documents say of it.
#[derive(Clone, Copy, Debug)]
pub struct Documented {
    pub code: Code,
    /// When it is given and what a caller does about it.
    pub meaning: &'static str,
}

impl Code {
    /// By [`codes!`](crate::codes); a status from 400 to 599.
    #[doc(hidden)]
    pub const fn new(naming: &'static Naming) -> Self {
        assert!(
            400 <= naming.status && naming.status <= 599,
            "a fault has a status from 400 to 599"
        );
        assert!(is_snake(naming.name), "a code is like this_1");
        Self(naming)
    }
    /// The `code` of the problem document.
    pub const fn as_str(self) -> &'static str {
        self.0.name
    }
    pub const fn status(self) -> u16 {
        self.0.status
    }
    pub const fn title(self) -> &'static str {
        self.0.title
    }
}

/// Does not compile, in a constant, where a code has the name of another or of one of the core's.
#[doc(hidden)]
pub const fn distinct(codes: &'static [Documented]) -> &'static [Documented] {
    let mut at = 0;
    while at < codes.len() {
        assert!(!has(CODES, CODES.len(), codes[at]), "the core has a code of this name");
        assert!(!has(codes, at, codes[at]), "two codes have the same name");
        at += 1;
    }
    codes
}

/// Whether one of the first `count` has the name.
const fn has(codes: &[Documented], count: usize, one: Documented) -> bool {
    let mut at = 0;
    while at < count {
        if is_same(codes[at].code.as_str(), one.code.as_str()) {
            return true;
        }
        at += 1;
    }
    false
}

/// A product's codes: a constant each, and `CODES`, all of them with their meanings. A name that is
/// not fit, or is one of the core's, does not compile.
///
/// ```
/// trireme_core::codes! {
///     SEAT_TAKEN "seat_taken" 409 "Seat taken"
///         "Somebody has this seat. Choose another.";
/// }
/// assert_eq!((SEAT_TAKEN.as_str(), SEAT_TAKEN.status(), CODES.len()), ("seat_taken", 409, 1));
/// ```
///
/// ```compile_fail
/// trireme_core::codes! {
///     NOT_FOUND "not_found" 404 "Not found" "It is the core's.";
/// }
/// ```
#[macro_export]
macro_rules! codes {
    (impl Code; $($constant:ident $name:literal $status:literal $title:literal $meaning:literal;)*) => {
        impl Code {
            $(pub const $constant: Self = Self::new(&Naming { name: $name, status: $status, title: $title });)*
        }
        /// Trireme's own.
        pub const CODES: &[Documented] =
            &[$(Documented { code: Code::$constant, meaning: $meaning }),*];
    };
    ($($constant:ident $name:literal $status:literal $title:literal $meaning:literal;)*) => {
        $(pub const $constant: $crate::Code = $crate::Code::new(&$crate::error::Naming { name: $name, status: $status, title: $title });)*
        /// The product's own codes.
        pub const CODES: &[$crate::error::Documented] = $crate::error::distinct(
            &[$($crate::error::Documented { code: $constant, meaning: $meaning }),*],
        );
    };
}

codes! {
    impl Code;
    MALFORMED_REQUEST "malformed_request" 400 "Malformed request"
        "The request itself can't be read: a broken body, path or header. Mend the client.";
    MALFORMED_JSON "malformed_json" 400 "Malformed JSON"
        "The body is not JSON: a syntax error, a duplicate key, a lone surrogate, or not UTF-8.";
    MALFORMED_QUERY "malformed_query" 400 "Malformed query"
        "The query string can't be decoded, names a parameter twice, or has more than a hundred.";
    INVALID_CURSOR "invalid_cursor" 400 "Invalid cursor"
        "The cursor was not made by this list for this user, filter and sort. Start from the first page.";
    INVALID_HOST "invalid_host" 400 "Invalid host"
        "The Host header is missing, given twice, or not one of ALLOWED_HOSTS.";
    UNAUTHENTICATED "unauthenticated" 401 "Authentication required"
        "There is no bearer token, or it is malformed, expired, or signed by an unknown key. Sign in or refresh.";
    SESSION_ENDED "session_ended" 401 "Session ended"
        "The token is genuine but its session or account is gone. Sign in again.";
    INVALID_CREDENTIALS "invalid_credentials" 401 "Invalid credentials"
        "E-mail and password do not belong together, or the account is disabled.";
    INVALID_REFRESH_TOKEN "invalid_refresh_token" 401 "Invalid refresh token"
        "The refresh token is unknown or expired, or its session has ended. Sign in again.";
    REFRESH_REUSED "refresh_reused" 401 "Refresh token reused"
        "A refresh token was used a second time after its grace. The session is ended: it may have been stolen. Sign in again.";
    ORIGIN_NOT_ALLOWED "origin_not_allowed" 403 "Origin not allowed"
        "The page's origin is not among CORS_ORIGINS.";
    WRONG_PASSWORD "wrong_password" 403 "Wrong password"
        "The caller is known, but the password that confirms the change is wrong.";
    NOT_FOUND "not_found" 404 "Not found"
        "There is no such resource, or it is somebody else's.";
    METHOD_NOT_ALLOWED "method_not_allowed" 405 "Method not allowed"
        "The resource exists; the Allow header names its methods.";
    BODY_TIMEOUT "body_timeout" 408 "Body timeout"
        "The body arrived too slowly. Send it again.";
    EMAIL_TAKEN "email_taken" 409 "E-mail taken"
        "Another account has this e-mail address.";
    IN_USE "in_use" 409 "In use"
        "Other records refer to this one, or one that it refers to was deleted in this moment. Change those that refer to it, or read it again.";
    PRECONDITION_FAILED "precondition_failed" 412 "Precondition failed"
        "The record has changed since the version in If-Match. Read it again and decide anew.";
    BODY_TOO_LARGE "body_too_large" 413 "Body too large"
        "The body is over the server's limit.";
    UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" 415 "Unsupported media type"
        "Send the body as application/json (a PATCH also as application/merge-patch+json), without a content coding.";
    INVALID "invalid" 422 "Invalid input"
        "The input is well-formed but not acceptable; `errors` lists every fault.";
    IDEMPOTENCY_KEY_REUSED "idempotency_key_reused" 422 "Idempotency key reused"
        "The same Idempotency-Key came with another request. Use a new key for a new request.";
    RATE_LIMITED "rate_limited" 429 "Too many requests"
        "A limit is used up; Retry-After says when it opens again.";
    HEADERS_TOO_LARGE "headers_too_large" 431 "Headers too large"
        "The request's headers are over the server's limit.";
    INTERNAL "internal" 500 "Internal error"
        "A fault of the server. It is logged under the request id.";
    OVERLOADED "overloaded" 503 "Overloaded"
        "The server is shedding load. Try again after Retry-After.";
    DRAINING "draining" 503 "Draining"
        "This instance is about to stop. Try again; another will answer.";
    STARTING "starting" 503 "Starting"
        "This instance is not ready yet. Try again after Retry-After.";
    DATABASE_UNAVAILABLE "database_unavailable" 503 "Database unavailable"
        "The database can't be reached; nothing has been changed. Try again after Retry-After.";
    OUTCOME_UNKNOWN "outcome_unknown" 503 "Outcome unknown"
        "The connection to the database broke while a change was being confirmed. Read before trying again, or repeat with the same Idempotency-Key.";
    TIMEOUT "timeout" 504 "Timeout"
        "The request's deadline passed.";
}

/// One fault of the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fault {
    /// RFC 6901 JSON Pointer into the body; for a query parameter, `/` and its name.
    #[schemars(example = &"/title")]
    pub pointer: String,
    /// Stable, `snake_case`: `required`, `type`, `length`, `invalid_text`, `unknown_field`, …
    #[schemars(extend("pattern" = "^[a-z][a-z0-9_]*$"), example = &"length")]
    pub code: Cow<'static, str>,
    /// For people.
    #[schemars(example = &"Must have 1 to 200 characters.")]
    pub detail: Cow<'static, str>,
}

impl Fault {
    pub fn new(
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { pointer: pointer.into(), code: code.into(), detail: detail.into() }
    }
}

/// A fault on its way to the caller. `detail` is public; `cause` is for the log alone.
#[derive(Debug)]
pub struct Error {
    pub code: Code,
    pub detail: Cow<'static, str>,
    pub faults: Vec<Fault>,
    /// Seconds.
    pub retry_after: Option<u32>,
    pub cause: Option<String>,
    /// Fields that the answer carries besides, such as `Allow`.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        let retry_after = (code.status() == 503).then_some(1);
        Self {
            code,
            detail: detail.into(),
            faults: Vec::new(),
            retry_after,
            cause: None,
            headers: Vec::new(),
        }
    }

    /// 422 with every fault; [`Code::INVALID`].
    pub fn invalid(faults: Vec<Fault>) -> Self {
        let detail = match faults.len() {
            1 => Cow::Borrowed("The input has a fault."),
            count => Cow::Owned(format!("The input has {count} faults.")),
        };
        Self { faults, ..Self::new(Code::INVALID, detail) }
    }

    /// 404, the same for an absent record and for somebody else's.
    pub fn not_found() -> Self {
        Self::new(Code::NOT_FOUND, "There is no such resource.")
    }

    /// 500. `cause` is logged under the request id and goes nowhere else.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(Code::INTERNAL, "Something went wrong on our side.")
        }
    }

    /// 503: requests hold all the memory that they may.
    pub fn no_room() -> Self {
        Self::new(Code::OVERLOADED, "There is no memory for more at the moment.")
    }

    #[must_use]
    pub fn with_header(mut self, name: http::HeaderName, value: http::HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl From<DatabaseError> for Error {
    fn from(error: DatabaseError) -> Self {
        let (code, detail) = match &error {
            DatabaseError::SessionEnded => {
                return Self::new(Code::SESSION_ENDED, "The session has ended.");
            }
            DatabaseError::NoRoom => return Self::no_room(),
            DatabaseError::Constraint(name) if name.ends_with("_fkey") => (
                Code::IN_USE,
                "Another record refers to this one, or what this one refers to is gone.",
            ),
            DatabaseError::Constraint(_)
            | DatabaseError::Undefined(_)
            | DatabaseError::Failed(_) => return Self::internal(error),
            DatabaseError::Unavailable(_) => {
                (Code::DATABASE_UNAVAILABLE, "The database can't be reached.")
            }
            DatabaseError::Behind(_) => {
                (Code::STARTING, "The database is not what this instance needs yet.")
            }
            DatabaseError::Conflict(_) => {
                (Code::OVERLOADED, "Too many changed the same at once; nothing has happened.")
            }
            DatabaseError::TimedOut(_) => (Code::TIMEOUT, "The database did not answer in time."),
            DatabaseError::OutcomeUnknown(_) => {
                (Code::OUTCOME_UNKNOWN, "Whether the change was made is not known.")
            }
        };
        Self { cause: Some(error.to_string()), ..Self::new(code, detail) }
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::internal(error)
    }
}

impl From<Busy> for Error {
    fn from(_: Busy) -> Self {
        Self::new(Code::OVERLOADED, "There is too much to compute at once.")
    }
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::new(Code::BODY_TOO_LARGE, "The body is over the limit."),
            BodyError::TimedOut => Self::new(Code::BODY_TIMEOUT, "The body arrived too slowly."),
            BodyError::NoRoom => Self::no_room(),
            BodyError::Aborted => Self::new(Code::MALFORMED_REQUEST, "The body broke off."),
        }
    }
}
