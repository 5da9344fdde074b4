//! The files of a product as they are, and as they are to be: all is planned before anything is
//! written.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;
use similar::TextDiff;

use crate::refusal::{Refusal, Result};

/// New files with more lines are only named in a diff: a lock file.
const SHOWN: usize = 1000;

/// A folder, and what is to be written into it. Paths are relative to it, with `/`.
pub struct Tree {
    root: PathBuf,
    planned: BTreeMap<String, Planned>,
}

struct Planned {
    before: Option<String>,
    after: String,
}

/// A file that is to be written.
#[derive(Debug, Serialize)]
pub struct Change<'a> {
    pub path: &'a str,
    /// What it held, where there is one.
    pub before: Option<&'a str>,
    pub after: &'a str,
}

impl Tree {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), planned: BTreeMap::new() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What a file holds once all is written; `None` where there is no such file.
    pub fn find(&self, path: &str) -> Result<Option<String>> {
        match self.planned.get(path) {
            Some(planned) => Ok(Some(planned.after.clone())),
            None => self.on_disk(path),
        }
    }

    /// The same of a file that has to be there.
    pub fn read(&self, path: &str) -> Result<String> {
        self.find(path)?.ok_or_else(|| {
            let what = format!("There is no {} here.", self.root.join(path).display());
            Refusal::new(what, "Run this in a product's folder, one that `trireme new` has made.")
        })
    }

    fn on_disk(&self, path: &str) -> Result<Option<String>> {
        let path = self.root.join(path);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(Refusal::io("read", &path, &error)),
        }
    }

    /// The names in a folder, of files that are there and of those that are planned.
    pub fn names(&self, folder: &str) -> Result<Vec<String>> {
        let mut names: Vec<String> = match fs::read_dir(self.root.join(folder)) {
            Ok(entries) => {
                entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Refusal::io("read", &self.root.join(folder), &error)),
        };
        let planned =
            self.planned.keys().filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/'));
        names.extend(planned.map(|path| path.split('/').next().unwrap_or(path).to_owned()));
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// A file that must not be there yet.
    pub fn create(&mut self, path: impl Into<String>, text: impl Into<String>) -> Result<()> {
        let path = path.into();
        if self.find(&path)?.is_some() {
            let what = format!("{} is there already.", self.root.join(&path).display());
            return Err(Refusal::new(
                what,
                "Nothing is overwritten: move it away, or take another name.",
            ));
        }
        self.planned.insert(path, Planned { before: None, after: text.into() });
        Ok(())
    }

    /// A file that is there, made anew.
    pub fn change(&mut self, path: &str, text: impl Into<String>) -> Result<()> {
        let before = match self.planned.remove(path) {
            Some(planned) => planned.before,
            None => self.on_disk(path)?,
        };
        let after = text.into();
        if before.as_ref() != Some(&after) {
            self.planned.insert(path.to_owned(), Planned { before, after });
        }
        Ok(())
    }

    /// Other text for a file that is planned.
    pub(crate) fn replace(&mut self, path: &str, text: String) {
        if let Some(planned) = self.planned.get_mut(path) {
            planned.after = text;
        }
    }

    /// What is to be written, by path.
    pub fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        self.planned.iter().map(|(path, planned)| Change {
            path,
            before: planned.before.as_deref(),
            after: &planned.after,
        })
    }

    /// All of it as a unified diff.
    pub fn diff(&self) -> String {
        let one = |change: Change<'_>| {
            let lines = change.after.lines().count();
            if change.before.is_none() && lines > SHOWN {
                return format!("--- /dev/null\n+++ b/{} ({lines} lines)\n", change.path);
            }
            let diff = TextDiff::from_lines(change.before.unwrap_or_default(), change.after);
            let old =
                change.before.map_or("/dev/null".to_owned(), |_| format!("a/{}", change.path));
            diff.unified_diff().header(&old, &format!("b/{}", change.path)).to_string()
        };
        self.changes().map(one).collect()
    }
}

/// Whether there is no such file: also where a folder of its path is a file.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_planned_is_read_and_nothing_is_overwritten() {
        let folder = crate::testing::folder("tree");
        fs::write(folder.join("a"), "one\n").unwrap();
        let mut tree = Tree::new(&folder);
        assert!(
            tree.create("a", "two\n").unwrap_err().to_string().contains("Nothing is overwritten")
        );
        tree.change("a", "two\n").unwrap();
        tree.create("b/c", "three\n").unwrap();
        assert_eq!(tree.read("a").unwrap(), "two\n");
        assert_eq!(tree.names("b").unwrap(), ["c"]);
        let due = "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-one\n+two\n--- /dev/null\n+++ b/b/c\n@@ -0,0 +1 @@\n+three\n";
        assert_eq!(tree.diff(), due);
        tree.change("a", "one\n").unwrap();
        assert_eq!(tree.changes().count(), 1, "as it was");
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "one\n");
        assert!(tree.read("nothing").unwrap_err().to_string().contains("a product's folder"));
    }
}
