//! Writing a plan: all of it or nothing, also when the process is killed.
//!
//! A journal of what the files hold before and after is put aside first, and only then are files
//! renamed into their places. While the journal is there, the tree can be put back: by
//! [`Written::restore`], or by the next command that finds it. What a person has written meanwhile
//! is never written over.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    refusal::{Refusal, Result},
    tree::{Tree, is_absent},
};

const ASIDE: &str = ".trireme-grow";

/// Cargo writes it anew as it compiles, and nobody by hand.
const CARGOS: &str = "Cargo.lock";

#[derive(Default, Serialize, Deserialize)]
struct Journal {
    files: Vec<Entry>,
    /// Those that are made, the outermost first.
    folders: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    path: String,
    before: Option<String>,
    /// All that was written there, one after another.
    written: Vec<String>,
}

/// A plan that stands in its places and can still be taken back.
#[must_use = "the tree stays journaled until this is kept or restored"]
pub struct Written {
    root: PathBuf,
    journal: Journal,
    _lock: File,
}

/// Writes what is planned. Fails without a change when a file is not any more what it was when it was
/// planned.
pub fn write(tree: &Tree) -> Result<Written> {
    let root = tree.root();
    let aside = root.join(ASIDE);
    fs::create_dir_all(&aside).map_err(|it| Refusal::io("made", &aside, &it))?;
    let lock = lock(root)?;
    if aside.join("journal").exists() {
        let what = "A command was ended while it wrote here.";
        return Err(Refusal::new(what, "Nothing was written; run the command again."));
    }
    let mut written = Written { root: root.to_owned(), journal: Journal::default(), _lock: lock };
    match written.add(tree) {
        Ok(()) => Ok(written),
        Err(refusal) => {
            written.restore()?;
            Err(refusal)
        }
    }
}

/// Puts a tree back that a killed command has left half written. Where there was one: the files that
/// somebody has changed since, which are left as they are.
pub fn recover(root: &Path) -> Result<Option<Vec<String>>> {
    let aside = root.join(ASIDE);
    if !aside.exists() {
        return Ok(None);
    }
    let lock = lock(root)?;
    let journal = fs::read_to_string(aside.join("journal")).ok();
    let Some(journal) = journal.and_then(|text| serde_json::from_str(&text).ok()) else {
        // It was killed before it changed anything.
        fs::remove_dir_all(&aside).map_err(|it| Refusal::io("removed", &aside, &it))?;
        return Ok(None);
    };
    Written { root: root.to_owned(), journal, _lock: lock }.restore().map(Some)
}

impl Written {
    /// Writes more of the same plan.
    pub fn add(&mut self, tree: &Tree) -> Result<()> {
        for change in tree.changes() {
            let place = self.root.join(change.path);
            if fs::read_to_string(&place).ok().as_deref() != change.before {
                let what = format!("{} has changed meanwhile.", place.display());
                return Err(Refusal::new(what, "Nothing was written; run the command again."));
            }
        }
        for change in tree.changes() {
            let after = change.after.to_owned();
            if let Some(entry) = self.journal.files.iter_mut().find(|it| it.path == change.path) {
                entry.written.push(after);
                continue;
            }
            let (path, before) = (change.path.to_owned(), change.before.map(str::to_owned));
            self.journal.files.push(Entry { path, before, written: vec![after] });
            let parents = Path::new(change.path).ancestors().skip(1).collect::<Vec<_>>();
            for parent in parents.into_iter().rev().filter_map(Path::to_str) {
                let folders = &mut self.journal.folders;
                if !self.root.join(parent).exists() && !folders.iter().any(|it| it == parent) {
                    folders.push(parent.to_owned());
                }
            }
        }
        let text = serde_json::to_string(&self.journal).unwrap_or_default();
        put(&self.root, &self.root.join(ASIDE).join("journal"), &text)?;
        for folder in &self.journal.folders {
            let folder = self.root.join(folder);
            fs::create_dir_all(&folder).map_err(|it| Refusal::io("written", &folder, &it))?;
        }
        tree.changes()
            .try_for_each(|change| put(&self.root, &self.root.join(change.path), change.after))
    }

    /// The paths that were written, and whether there was nothing before.
    pub fn files(&self) -> impl Iterator<Item = (&str, bool)> {
        self.journal.files.iter().map(|entry| (entry.path.as_str(), entry.before.is_none()))
    }

    /// The tree is as it was, but for the files that somebody has changed since: their paths.
    pub fn restore(self) -> Result<Vec<String>> {
        let mut left = Vec::new();
        for Entry { path, before, written } in &self.journal.files {
            let place = self.root.join(path);
            let now = match fs::read(&place) {
                Ok(now) => Some(now),
                Err(error) if is_absent(&error) => None,
                Err(error) => return Err(Refusal::io("read", &place, &error)),
            };
            if now.as_deref() == before.as_ref().map(String::as_bytes) {
                continue;
            }
            let is_ours = |now: Vec<u8>| written.iter().any(|it| it.as_bytes() == now);
            match before {
                _ if path != CARGOS && !now.is_some_and(is_ours) => left.push(path.clone()),
                Some(before) => put(&self.root, &place, before)?,
                None => {
                    fs::remove_file(&place).map_err(|it| Refusal::io("removed", &place, &it))?;
                }
            }
        }
        for folder in self.journal.folders.iter().rev() {
            // Somebody else may have put a file there.
            let _ = fs::remove_dir(self.root.join(folder));
        }
        self.keep()?;
        Ok(left)
    }

    /// The tree stays as it is now.
    pub fn keep(self) -> Result<()> {
        let aside = self.root.join(ASIDE);
        let _ = fs::remove_file(aside.join("journal"));
        fs::remove_dir_all(&aside).map_err(|it| Refusal::io("removed", &aside, &it))
    }
}

/// Replaces a file by a whole one.
fn put(root: &Path, place: &Path, text: &str) -> Result<()> {
    let new = root.join(ASIDE).join("new");
    let write = || {
        fs::write(&new, text)?;
        File::open(&new)?.sync_all()?;
        fs::rename(&new, place)
    };
    write().map_err(|it| Refusal::io("written", place, &it))
}

fn lock(root: &Path) -> Result<File> {
    let place = root.join(ASIDE).join("lock");
    let file = File::create(&place).map_err(|it| Refusal::io("written", &place, &it))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Refusal::new(
            "Another command is writing here.",
            "Wait until it has ended, and try again.",
        )),
        Err(TryLockError::Error(error)) => Err(Refusal::io("locked", &place, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with one file, and a plan that changes it and makes another in a new folder.
    fn planned(name: &str) -> (PathBuf, Tree) {
        let folder = crate::testing::folder(name);
        fs::write(folder.join("a"), "one").unwrap();
        let mut tree = Tree::new(&folder);
        tree.change("a", "two").unwrap();
        tree.create("b/c/d", "three").unwrap();
        (folder, tree)
    }

    fn is_as_it_was(folder: &Path) {
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "one");
        let names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(names, ["a"]);
    }

    #[test]
    fn what_is_written_can_be_kept_or_taken_back() {
        let (folder, tree) = planned("restored");
        assert!(write(&tree).unwrap().restore().unwrap().is_empty());
        is_as_it_was(&folder);
        write(&tree).unwrap().keep().unwrap();
        assert_eq!(fs::read_to_string(folder.join("b/c/d")).unwrap(), "three");
        assert!(!folder.join(ASIDE).exists());
    }

    #[test]
    fn more_of_a_plan_is_taken_back_with_it() {
        let (folder, tree) = planned("more");
        let mut written = write(&tree).unwrap();
        let mut more = Tree::new(&folder);
        more.change("a", "four").unwrap();
        more.create("b/e", "five").unwrap();
        written.add(&more).unwrap();
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "four");
        let files: Vec<_> = written.files().collect();
        assert_eq!(files, [("a", false), ("b/c/d", true), ("b/e", true)]);
        assert!(written.restore().unwrap().is_empty());
        is_as_it_was(&folder);
    }

    #[test]
    fn the_next_command_puts_back_what_a_killed_one_has_left() {
        let (folder, tree) = planned("killed");
        drop(write(&tree).unwrap());
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "two");
        assert!(write(&tree).is_err());
        assert_eq!(recover(&folder).unwrap(), Some(Vec::new()));
        is_as_it_was(&folder);
        // Killed between two files: one is not written yet.
        drop(write(&tree).unwrap());
        fs::write(folder.join("a"), "one").unwrap();
        assert_eq!(recover(&folder).unwrap(), Some(Vec::new()));
        is_as_it_was(&folder);
        // Killed before the journal.
        fs::create_dir(folder.join(ASIDE)).unwrap();
        assert_eq!(recover(&folder).unwrap(), None);
        is_as_it_was(&folder);
    }

    #[test]
    fn what_a_person_writes_meanwhile_is_left_and_named() {
        let (folder, mut tree) = planned("meanwhile");
        tree.create("e", "five").unwrap();
        tree.create(CARGOS, "packages").unwrap();
        drop(write(&tree).unwrap());
        fs::write(folder.join("a"), "two, and mine").unwrap();
        fs::write(folder.join("b/c/d"), "mine").unwrap();
        fs::write(folder.join(CARGOS), "more packages").unwrap();
        assert_eq!(recover(&folder).unwrap().unwrap(), ["a", "b/c/d"]);
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "two, and mine");
        assert_eq!(fs::read_to_string(folder.join("b/c/d")).unwrap(), "mine");
        assert!(!folder.join("e").exists() && !folder.join(CARGOS).exists());
        assert!(!folder.join(ASIDE).exists());
    }

    #[test]
    fn nothing_is_written_over_what_changed_meanwhile() {
        let (folder, tree) = planned("raced");
        fs::write(folder.join("a"), "somebody's").unwrap();
        assert!(write(&tree).err().unwrap().to_string().contains("has changed meanwhile"));
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "somebody's");
        assert!(!folder.join("b").exists() && !folder.join(ASIDE).exists());
    }

    #[test]
    fn a_failure_half_way_leaves_the_tree_as_it_was() {
        let (folder, tree) = planned("half");
        // `b` can't be a folder.
        fs::write(folder.join("b"), "").unwrap();
        assert!(write(&tree).is_err());
        fs::remove_file(folder.join("b")).unwrap();
        is_as_it_was(&folder);
    }

    #[test]
    fn one_command_writes_at_a_time() {
        let (folder, tree) = planned("locked");
        let first = write(&tree).unwrap();
        assert!(recover(&folder).unwrap_err().to_string().contains("Another command"));
        first.restore().unwrap();
    }
}
