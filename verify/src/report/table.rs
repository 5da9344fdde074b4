//! The report for a terminal.

use std::fmt::Write;

use trireme_core::printable::printable;

use super::{CheckResult, Outcome, Report};
use crate::outcome::Failure;

const GREEN: &str = "32";
const RED: &str = "31";
const DIM: &str = "2";
const BOLD: &str = "1";

impl Report {
    /// A line a check, then each failure at length, then a summary.
    pub fn to_table(&self, color: bool) -> String {
        let paint = |code: &str, text: &str| {
            if color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
        };
        let width = self.results.iter().map(|result| result.name.len()).max().unwrap_or(0);
        let mut table = format!("{}\n", printable(&format!("{}{}", self.url, self.about())));
        let mut group = "";
        for result in &self.results {
            if result.group != group {
                group = result.group;
                let _ = write!(table, "\n{}\n", paint(BOLD, group));
            }
            let (mark, note) = match &result.outcome {
                Outcome::Passed => (paint(GREEN, "✓"), String::new()),
                Outcome::Failed(_) => (paint(RED, "✗"), String::new()),
                Outcome::NotApplicable { reason } => {
                    (paint(DIM, "–"), paint(DIM, &format!("  {}", printable(reason))))
                }
            };
            let name = result.name.replace('_', " ");
            let _ = writeln!(
                table,
                "  {mark} {name:width$} {:>6} ms{note}",
                result.duration.as_millis()
            );
        }
        for (checks, failure) in self.distinct_failures() {
            let result = checks[0];
            let mut title = format!("{} / {}", result.group, result.name.replace('_', " "));
            if checks.len() > 1 {
                let _ = write!(title, " and {} more", checks.len() - 1);
            }
            let _ = write!(
                table,
                "\n{} {}\n  request   {}\n  expected  {}\n  actual    {}\n",
                paint(RED, "✗"),
                paint(BOLD, &title),
                printable(&failure.request),
                printable(&failure.expected),
                printable(&failure.actual)
            );
        }
        let (passed, failed, skipped) = self.counts();
        let summary = format!(
            "{passed} passed, {failed} failed, {skipped} not applicable, in {:.1} s{}",
            self.duration.as_secs_f32(),
            if self.stopped { ", stopped before its end" } else { "" }
        );
        let _ = write!(table, "\n{}\n", paint(if self.passed() { GREEN } else { RED }, &summary));
        table
    }

    /// Failures with the checks that they ended: an account that can't be had ends many.
    fn distinct_failures(&self) -> Vec<(Vec<&CheckResult>, &Failure)> {
        let mut distinct: Vec<(Vec<&CheckResult>, &Failure)> = Vec::new();
        for (result, failure) in self.failures() {
            match distinct.iter_mut().find(|(_, known)| *known == failure) {
                Some((checks, _)) => checks.push(result),
                None => distinct.push((vec![result], failure)),
            }
        }
        distinct
    }

    fn about(&self) -> String {
        let parts: Vec<&str> = [&self.host, &self.environment, &self.version]
            .into_iter()
            .filter_map(|part| part.as_deref())
            .collect();
        if parts.is_empty() { String::new() } else { format!("  ({})", parts.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use crate::report::example;

    #[test]
    fn table_lists_checks_then_failures_then_counts() {
        let expected = "\
http://127.0.0.1:8000  (native, development)

health
  ✓ live        12 ms

tasks
  ✗ listed      12 ms

cors
  – allowed     12 ms  no origin given

✗ tasks / listed
  request   GET /api/v1/tasks?q=<a>&limit=1
  expected  200
  actual    500 \"boom\" \\u{1}

1 passed, 1 failed, 1 not applicable, in 1.2 s
";
        assert_eq!(example().to_table(false), expected);
    }

    #[test]
    fn nothing_that_a_server_says_steers_the_terminal() {
        let mut report = example();
        report.host = Some("\u{1b}[2J\u{9b}1m".to_owned());
        report.version = Some("\u{202e}1".to_owned());
        let table = report.to_table(false);
        assert!(!table.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{table}");
        assert!(table.contains("\\u{1b}[2J"), "{table}");
    }

    #[test]
    fn a_failure_of_many_checks_is_told_once() {
        let mut report = example();
        report.results.push(report.results[1].clone());
        let table = report.to_table(false);
        assert_eq!(table.matches("✗ tasks / listed and 1 more\n").count(), 1);
        assert!(!table.contains("✗ tasks / listed\n"));
    }

    #[test]
    fn color_only_adds_escapes() {
        let colored = example().to_table(true);
        assert!(colored.contains("\u{1b}[31m✗\u{1b}[0m"));
        let mut plain = colored;
        for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, example().to_table(false));
    }
}
