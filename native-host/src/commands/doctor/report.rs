//! Findings, for people and for programs.

use serde::Serialize;
use trireme_core::printable::printable;

use crate::database::postgres::needs::Lack;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Level {
    Ok,
    Warning,
    Problem,
}

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    level: Level,
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    advice: String,
}

/// What was found, in the order it was looked at.
#[derive(Default)]
pub struct Report(Vec<Finding>);

impl Report {
    pub fn ok(&mut self, check: &'static str, detail: impl Into<String>) {
        self.add(check, Level::Ok, detail.into(), String::new());
    }

    /// It works, and could be better or break later.
    pub fn warning(
        &mut self,
        check: &'static str,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(check, Level::Warning, detail.into(), advice.into());
    }

    /// It does not work, or not as it has to.
    pub fn problem(
        &mut self,
        check: &'static str,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(check, Level::Problem, detail.into(), advice.into());
    }

    fn add(&mut self, check: &'static str, level: Level, detail: String, advice: String) {
        self.0.push(Finding { check, level, detail, advice });
    }

    pub fn lacks(&mut self, lacks: &[Lack]) {
        for Lack { check, detail, remedy } in lacks {
            self.problem(check, detail, remedy);
        }
    }

    pub fn problems(&self) -> usize {
        self.0.iter().filter(|finding| finding.level == Level::Problem).count()
    }

    pub fn to_text(&self) -> String {
        let lines = self.0.iter().map(|Finding { check, level, detail, advice }| {
            let level = match level {
                Level::Ok => "ok",
                Level::Warning => "warning",
                Level::Problem => "PROBLEM",
            };
            let detail = printable(detail);
            let advice =
                if advice.is_empty() { String::new() } else { format!("\n{:22}{advice}", "") };
            format!("{level:8}{check:14}{detail}{advice}")
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    pub fn to_json(&self) -> serde_json::Value {
        let worst = self.0.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
        serde_json::json!({ "level": worst, "findings": self.0 })
    }
}
