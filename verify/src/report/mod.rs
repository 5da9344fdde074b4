//! What a run found out, and how to show it.

mod junit;
mod table;

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::outcome::{Failure, Stop, Verdict};
use crate::transcript::Transcript;

/// The findings of one run. Its JSON is without the transcript.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The address that was checked.
    pub url: String,
    /// When the run began, in RFC 3339.
    pub started: String,
    #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
    pub duration: Duration,
    /// `native`, `workers` or `spin`, when the server said so.
    pub host: Option<String>,
    pub environment: Option<String>,
    pub version: Option<String>,
    pub results: Vec<CheckResult>,
    /// It did not come to its end.
    pub stopped: bool,
    #[serde(skip)]
    pub(crate) transcript: Transcript,
}

/// How one check went.
#[derive(Clone, Debug, Serialize)]
pub struct CheckResult {
    pub group: &'static str,
    pub name: &'static str,
    #[serde(flatten)]
    pub outcome: Outcome,
    #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
    pub duration: Duration,
}

impl CheckResult {
    /// Whether accounts of the run may still be there.
    pub(crate) fn left_accounts(&self) -> bool {
        self.name == "accounts_deleted" && matches!(self.outcome, Outcome::Failed(_))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    Failed(Failure),
    /// The check does not fit this server or this address.
    NotApplicable {
        reason: String,
    },
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Ok(()) => Self::Passed,
            Err(Stop::Failed(failure)) => Self::Failed(failure),
            Err(Stop::NotApplicable(reason)) => Self::NotApplicable { reason },
        }
    }
}

impl Report {
    /// Whether all checks were made, at least one, and none failed.
    pub fn passed(&self) -> bool {
        !self.stopped && !self.results.is_empty() && self.failures().next().is_none()
    }

    /// Whether accounts that the run registered may still be there.
    pub fn left_accounts(&self) -> bool {
        self.results.iter().any(CheckResult::left_accounts)
    }

    /// The checks that failed, in order.
    pub fn failures(&self) -> impl Iterator<Item = (&CheckResult, &Failure)> {
        self.results.iter().filter_map(|result| match &result.outcome {
            Outcome::Failed(failure) => Some((result, failure)),
            _ => None,
        })
    }

    /// The exchanges of the run, to compare with another host's by
    /// [`transcript::diff`](crate::transcript::diff).
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// How many checks passed, failed, and did not apply.
    fn counts(&self) -> (usize, usize, usize) {
        let failed = self.failures().count();
        let passed = self.results.iter().filter(|result| result.outcome == Outcome::Passed).count();
        (passed, failed, self.results.len() - passed - failed)
    }
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_millis() as u64)
}

#[cfg(test)]
pub(crate) fn example() -> Report {
    let result = |group, name, outcome| CheckResult {
        group,
        name,
        outcome,
        duration: Duration::from_millis(12),
    };
    let failure = Failure {
        request: "GET /api/v1/tasks?q=<a>&limit=1".to_owned(),
        expected: "200".to_owned(),
        actual: "500 \"boom\" \u{1}".to_owned(),
    };
    Report {
        url: "http://127.0.0.1:8000".to_owned(),
        started: "2026-11-20T12:00:00Z".to_owned(),
        duration: Duration::from_millis(1234),
        host: Some("native".to_owned()),
        environment: Some("development".to_owned()),
        version: None,
        results: vec![
            result("health", "live", Outcome::Passed),
            result("tasks", "listed", Outcome::Failed(failure)),
            result(
                "cors",
                "allowed",
                Outcome::NotApplicable { reason: "no origin given".to_owned() },
            ),
        ],
        stopped: false,
        transcript: Transcript::default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_carries_outcomes_flat() {
        let json = serde_json::to_value(example()).unwrap();
        assert_eq!(json["duration_ms"], 1234);
        assert_eq!(
            json["results"][0],
            json!({"group": "health", "name": "live", "outcome": "passed", "duration_ms": 12})
        );
        assert_eq!(json["results"][1]["expected"], "200");
        assert_eq!(json["results"][2]["outcome"], "not_applicable");
        assert_eq!(json["results"][2]["reason"], "no origin given");
    }

    #[test]
    fn passes_only_when_something_was_checked_and_nothing_failed() {
        let mut report = example();
        assert!(!report.passed());
        report.results.remove(1);
        assert!(report.passed());
        report.results.clear();
        assert!(!report.passed());
    }
}
