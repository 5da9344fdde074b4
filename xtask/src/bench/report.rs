use serde::Serialize;

use super::compare::{Comparison, Spread};
use super::wrk::Sample;
use crate::ui;

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
    /// The measurements behind a ratio, each round's first and second server.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<(Sample, Sample)>,
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
        Self { what: what.into(), unit, spread, goal, met, rounds: Vec::new() }
    }

    /// Throughput against its goal, and the processor time a request beside it.
    pub fn of_comparison(what: &str, comparison: Comparison, throughput: Goal) -> Vec<Self> {
        let first =
            Self::new(format!("{what}: requests a second"), "", comparison.throughput, throughput);
        vec![
            Self { rounds: comparison.rounds, ..first },
            Self::new(format!("{what}: CPU a request"), "", comparison.cpu, Goal::None),
        ]
    }
}

pub fn table(findings: &[Finding]) -> String {
    let number =
        |value: f64| if value < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") };
    let rows = findings
        .iter()
        .map(|it| {
            let Spread { median, min, max } = it.spread;
            let goal = match it.goal {
                Goal::AtLeast(bound) => format!("≥ {bound}"),
                Goal::AtMost(bound) => format!("≤ {bound}"),
                Goal::None => String::new(),
            };
            let verdict = match it.goal {
                Goal::None => "",
                _ if it.met => "met",
                _ => "MISSED",
            };
            [
                it.what.clone(),
                number(median),
                format!("{} – {}", number(min), number(max)),
                it.unit.to_owned(),
                goal,
                verdict.to_owned(),
            ]
        })
        .collect::<Vec<_>>();
    ui::table(["what", "median", "spread", "unit", "goal", ""], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_shows() {
        let spread = Spread { median: 0.8, min: 0.75, max: 12.0 };
        let findings = [
            Finding::new("live", "", spread, Goal::AtLeast(0.9)),
            Finding::new("memory", "MiB", spread, Goal::AtMost(1.0)),
        ];
        let expected = "what    median  spread       unit  goal   \n\
                        live    0.80    0.75 – 12.0        ≥ 0.9  MISSED\n\
                        memory  0.80    0.75 – 12.0  MiB   ≤ 1    met\n";
        assert_eq!(table(&findings), expected.replace("goal   \n", "goal\n"));
        assert_eq!(findings.map(|it| it.met), [false, true]);
    }
}
