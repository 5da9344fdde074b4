//! What every part of Trireme agrees on. Nothing here knows a host: time, randomness,
//! the database and expensive computation are reached through [`host::Host`] alone.

pub mod auth;
pub mod base64;
pub mod config;
pub mod date;
pub mod error;
pub mod host;
pub mod http;
pub mod json;
#[cfg(feature = "logging")]
pub mod logging;
pub mod mail;
pub mod migrations;
pub mod names;
pub mod page;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod printable;
pub mod problem;
pub mod run_batch;
pub mod secret;
pub mod sql;
pub mod sqlite;
pub mod sqlstate;
pub mod text;
pub mod time;
pub mod validate;

pub use base64::Base64;
pub use date::Date;
pub use error::{Code, Error, Fault};
pub use json::Json;
pub use secret::Secret;
pub use time::Timestamp;
pub use uuid::{self, Uuid};

/// The version of this build, as `/health` and `trireme --version` report it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
