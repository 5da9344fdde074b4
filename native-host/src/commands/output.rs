//! What commands write, and how far long work has come.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

/// Writes a result to stdout. A reader that has gone, such as `head`, is no fault.
pub fn say(text: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Writes a message for people to stderr.
pub fn complain(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Columns in line; the last one is not padded.
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
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
    }
}
