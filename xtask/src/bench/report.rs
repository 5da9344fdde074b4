use serde::Serialize;

use super::compare::{Comparison, Spread};
use super::wrk::Sample;

/// One figure with the goal that it is held against.
#[derive(Serialize)]
pub struct Finding {
    pub what: String,
    /// What the figures count; empty for a ratio.
    pub unit: &'static str,
    #[serde(flatten)]
    pub spread: Spread,
    pub goal: Goal,
    pub met: bool,
    /// What is behind a ratio of requests a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

/// Figures without a goal are there to explain those with one.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
    None,
}

impl Finding {
    pub fn new(what: impl Into<String>, unit: &'static str, spread: Spread, goal: Goal) -> Self {
        let met = match goal {
            Goal::AtLeast(bound) => spread.median >= bound,
            Goal::AtMost(bound) => spread.median <= bound,
            Goal::None => true,
        };
        Self { what: what.into(), unit, spread, goal, met, comparison: None }
    }

    /// Requests a second, with what is behind them.
    pub fn of_comparison(what: &str, comparison: Comparison, goal: Goal) -> Self {
        let finding = Self::new(what, "", comparison.throughput, goal);
        Self { comparison: Some(comparison), ..finding }
    }

    fn row(&self) -> [String; COLUMNS] {
        let Spread { median, min, max } = self.spread;
        let (goal, verdict) = match self.goal {
            Goal::None => (String::new(), ""),
            Goal::AtLeast(bound) => (format!("≥ {bound}"), self.verdict()),
            Goal::AtMost(bound) => (format!("≤ {bound}"), self.verdict()),
        };
        let both = |of: fn(&Sample) -> f64| {
            let Some(comparison) = &self.comparison else { return String::new() };
            let first = Spread::of(comparison.rounds.iter().map(|(it, _)| of(it)));
            let second = Spread::of(comparison.rounds.iter().map(|(_, it)| of(it)));
            format!("{} / {}", number(first.median), number(second.median))
        };
        [
            self.what.clone(),
            number(median),
            format!("{} – {}", number(min), number(max)),
            self.unit.to_owned(),
            goal,
            verdict.to_owned(),
            both(|it| it.requests_per_second),
            both(|it| it.cpu_us_per_request),
            both(|it| it.p99_ms),
        ]
    }

    const fn verdict(&self) -> &'static str {
        if self.met { "met" } else { "MISSED" }
    }
}

fn number(value: f64) -> String {
    let digits = if value < 10.0 { 2 } else { usize::from(value < 1000.0) };
    format!("{value:.digits$}")
}

const COLUMNS: usize = 9;
const HEADING: [&str; COLUMNS] =
    ["what", "median", "spread", "unit", "goal", "", "a second", "CPU in µs", "p99 in ms"];

/// In Markdown, as docs/performance.md has it.
pub fn table(findings: &[Finding]) -> String {
    let rows = findings.iter().map(Finding::row).collect::<Vec<_>>();
    let heading = HEADING.map(str::to_owned);
    let width = |column: usize| {
        let cells = std::iter::once(&heading).chain(&rows).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths = std::array::from_fn::<_, COLUMNS, _>(width);
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!(" {cell:<width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    let rule = widths.map(|width| "-".repeat(width));
    [&heading, &rule].into_iter().chain(&rows).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_shows() {
        let spread = Spread { median: 0.8, min: 0.75, max: 12.0 };
        let one = Spread::of([1.0]);
        let sample = |requests_per_second| Sample {
            requests_per_second,
            p50_ms: 1.0,
            p99_ms: 1.0,
            cpu_us_per_request: 12.0,
        };
        let rounds = vec![(sample(800.0), sample(1000.4))];
        let comparison = Comparison { throughput: spread, cpu: one, p99: one, rounds };
        let findings = [
            Finding::of_comparison("live", comparison, Goal::AtLeast(0.9)),
            Finding::new("memory", "MiB", spread, Goal::AtMost(1.0)),
        ];
        let expected = "\
            | what   | median | spread      | unit | goal  |        | a second     | CPU in µs   | p99 in ms   |\n\
            | ------ | ------ | ----------- | ---- | ----- | ------ | ------------ | ----------- | ----------- |\n\
            | live   | 0.80   | 0.75 – 12.0 |      | ≥ 0.9 | MISSED | 800.0 / 1000 | 12.0 / 12.0 | 1.00 / 1.00 |\n\
            | memory | 0.80   | 0.75 – 12.0 | MiB  | ≤ 1   | met    |              |             |             |\n";
        assert_eq!(table(&findings), expected);
        assert_eq!(findings.map(|it| it.met), [false, true]);
    }
}
