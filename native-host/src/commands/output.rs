//! What commands write, and how far long work has come.

use std::{
    borrow::Cow,
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

use serde::Serialize;
use trireme_core::printable::{printable, printable_json, printable_lines};

use super::Failure;

/// Writes a result to stdout, for a person: nothing in it steers the terminal.
pub fn say(text: impl Display) -> Result<(), Failure> {
    write(&format!("{}\n", printable_lines(&text.to_string())))
}

/// Writes a result to stdout as JSON, for a program; a person may look at it all the same.
pub fn say_json(document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document)
        .map_err(|error| Failure::no(format!("The result can't be written as JSON: {error}.")))?;
    write(&format!("{}\n", printable_json(&text)))
}

/// Writes text that is ours, colours and all, to stdout. A reader that has had enough, such as
/// `head`, ends a command without a word, as it ends others.
pub fn write(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::no(""),
        _ => Failure::no(format!("The output can't be written: {error}.")),
    })
}

/// Writes a message for people to stderr.
pub fn complain(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{}", printable_lines(&text.to_string()));
}

/// Columns in line; the last one is not padded. Nothing in a cell steers the terminal or begins
/// another row.
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    let rows: Vec<_> = rows.iter().map(|row| row.each_ref().map(|cell| printable(cell))).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[Cow<'_, str>; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A bar on a terminal, a line a step elsewhere; on stderr, so that results stay clean.
pub struct Progress {
    total: usize,
    done: usize,
    terminal: bool,
}

impl Progress {
    pub fn new(total: usize) -> Self {
        Self { total, done: 0, terminal: io::stderr().is_terminal() }
    }

    /// One more step is done.
    pub fn step(&mut self, what: &str) {
        const WIDTH: usize = 30;
        self.done += 1;
        let what = printable(what);
        let Self { total, done, .. } = *self;
        if self.terminal {
            let full = "#".repeat((done * WIDTH / total.max(1)).min(WIDTH));
            // To the line's start, and clear the rest of what was there.
            let _ =
                write!(io::stderr().lock(), "\r[{full:-<WIDTH$}] {done}/{total} {what:.40}\x1b[K");
        } else {
            complain(format_args!("{done}/{total} {what}"));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal && self.done > 0 {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_in_line() {
        let rows = [["a".to_owned(), "b".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(table(&rows), "a     b\nlong");
        let hostile = [["\u{1b}[2J\nroot".to_owned(), "b".to_owned()]];
        assert_eq!(table(&hostile), "\\u{1b}[2J\\nroot  b");
    }
}
