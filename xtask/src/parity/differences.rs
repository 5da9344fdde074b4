//! Where the cells' answers are not the same, told once for each way in which they differ.

use std::collections::BTreeMap;
use std::fmt;

use trireme_verify::{Outcome, Report, transcript};

/// One way to differ: `header vary: none against `Origin``.
pub struct Difference {
    what: String,
    /// Against whom, and how often.
    cells: BTreeMap<String, usize>,
    first: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        for (cell, count) in &self.cells {
            writeln!(f, "    against {cell}: {count}")?;
        }
        write!(f, "    first in {}", self.first)
    }
}

/// Holds every report against the first, but for checks that one of both could not be asked.
pub fn find<'r>(mut reports: impl Iterator<Item = (String, &'r Report)>) -> Vec<Difference> {
    let Some((_, reference)) = reports.next() else { return Vec::new() };
    let lines = reports.flat_map(|(cell, report)| {
        let excused: Vec<_> = [reference, report].into_iter().flat_map(not_applicable).collect();
        let asked_of_both = move |line: &String| {
            !excused.iter().any(|check| line.starts_with(&format!("{check}: only in")))
        };
        transcript::diff(reference.transcript(), report.transcript())
            .into_iter()
            .filter(asked_of_both)
            .map(move |line| (cell.clone(), line))
    });
    group(lines)
}

fn not_applicable(report: &Report) -> impl Iterator<Item = String> {
    report
        .results
        .iter()
        .filter(|it| matches!(it.outcome, Outcome::NotApplicable { .. }))
        .map(|it| format!("{}/{}", it.group, it.name))
}

/// Of lines such as `check, exchange 1, GET /x: status 200 against 201`.
fn group(lines: impl Iterator<Item = (String, String)>) -> Vec<Difference> {
    let mut found: Vec<Difference> = Vec::new();
    for (cell, line) in lines {
        let (place, what) = line.split_once(": ").unwrap_or(("", &line));
        let at = found.iter().position(|it| it.what == what).unwrap_or_else(|| {
            let (what, first) = (what.to_owned(), place.to_owned());
            found.push(Difference { what, cells: BTreeMap::new(), first });
            found.len() - 1
        });
        *found[at].cells.entry(cell).or_default() += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_everywhere_is_said_once() {
        let lines = [
            ("spin sqlite", "a/b, exchange 1, GET /x: header vary: none against `Origin`"),
            ("spin sqlite", "a/b, exchange 2, GET /x: header vary: none against `Origin`"),
            ("spin postgres", "a/b, exchange 1, GET /x: header vary: none against `Origin`"),
            ("spin postgres", "a/c: only in the first"),
        ];
        let found = group(lines.map(|(cell, line)| (cell.to_owned(), line.to_owned())).into_iter());
        let told: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "header vary: none against `Origin`\n    against spin postgres: 1\n    \
                 against spin sqlite: 2\n    first in a/b, exchange 1, GET /x",
                "only in the first\n    against spin postgres: 1\n    first in a/c",
            ]
        );
    }
}
