//! Why nothing was written.

use std::{fmt, io, ops::Range, path::Path};

/// What is wrong, where, and what to do instead. Nothing was written.
#[derive(Debug)]
pub struct Refusal {
    what: String,
    place: Option<(String, Range<usize>)>,
    remedy: String,
}

pub type Result<T> = std::result::Result<T, Refusal>;

impl Refusal {
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), place: None, remedy: remedy.into() }
    }

    /// Points at a part of what was typed, by its bytes; an inner place stays.
    #[must_use]
    pub fn at(mut self, typed: &str, part: Range<usize>) -> Self {
        self.place.get_or_insert_with(|| (typed.to_owned(), part));
        self
    }

    /// The same, with another way out.
    #[must_use]
    pub(crate) fn with_remedy(self, remedy: &str) -> Self {
        Self { remedy: remedy.to_owned(), ..self }
    }

    pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(
            format!("{} can't be {doing}: {error}.", path.display()),
            "Nothing else was changed.",
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        if let Some((typed, part)) = &self.place {
            let before = typed[..part.start].chars().count();
            let carets = typed[part.clone()].chars().count().max(1);
            writeln!(f, "  {typed}\n  {:before$}{:^<carets$}", "", "")?;
        }
        write!(f, "{}", self.remedy)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_below_the_letters() {
        let refusal = Refusal::new("No.", "Do that.").at("é:txt", 3..6);
        assert_eq!(refusal.to_string(), "No.\n  é:txt\n    ^^^\nDo that.");
    }
}
