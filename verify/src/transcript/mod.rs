//! What a run sent and got back, with everything that changes from run to run taken out,
//! so that the transcripts of two hosts can be laid side by side.

mod diff;
mod normalise;

use std::collections::BTreeMap;

pub use diff::diff;
pub(crate) use diff::differences;
pub(crate) use normalise::Normaliser;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The exchanges of a run, in the order in which the checks made them.
///
/// Exchanges whose answers depend on timing (concurrent retries, a wait for a rate limit)
/// are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    pub exchanges: Vec<Exchange>,
}

/// One request and its answer, normalised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// `group/name` of the check.
    pub check: String,
    pub method: String,
    /// Path and query with ids, times and cursors replaced.
    pub path: String,
    pub status: u16,
    /// Lower-case names; several values of one name are joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// JSON where the body is JSON, else its text, else `null`.
    pub body: Value,
}
