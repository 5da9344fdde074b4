//! Writing a plan: all of it or nothing, also when the process is killed.
//!
//! New contents and copies of the old are put aside first, then a journal that names them, and only
//! then are files renamed into their places. While the journal is there, the tree can be put back:
//! by [`Written::restore`], or by the next command that finds it.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    refusal::{Refusal, Result},
    tree::{Tree, is_absent},
};

const ASIDE: &str = ".trireme-grow";

#[derive(Default, Serialize, Deserialize)]
struct Journal {
    replaced: Vec<String>,
    created: Vec<String>,
    /// The outermost first.
    folders: Vec<String>,
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
    recover(root)?;
    fs::create_dir_all(root.join(ASIDE))
        .map_err(|it| Refusal::io("made", &root.join(ASIDE), &it))?;
    let lock = lock(root)?;
    let mut journal = Journal::default();
    for change in tree.changes() {
        if fs::read_to_string(root.join(change.path)).ok().as_deref() != change.before {
            let _ = fs::remove_dir_all(root.join(ASIDE));
            let what = format!("{} has changed meanwhile.", root.join(change.path).display());
            return Err(Refusal::new(what, "Nothing was written; run the command again."));
        }
        put_aside(root, "after", change.path, change.after)?;
        let (list, before) = match change.before {
            Some(before) => (&mut journal.replaced, before),
            None => (&mut journal.created, ""),
        };
        list.push(change.path.to_owned());
        put_aside(root, "before", change.path, before)?;
        let parents = Path::new(change.path).ancestors().skip(1).collect::<Vec<_>>();
        for parent in parents.into_iter().rev().filter_map(Path::to_str) {
            if !root.join(parent).exists() && !journal.folders.iter().any(|it| it == parent) {
                journal.folders.push(parent.to_owned());
            }
        }
    }
    let text = serde_json::to_string(&journal).unwrap_or_default();
    put_aside(root, "", "journal.new", &text)?;
    let place = root.join(ASIDE).join("journal");
    fs::rename(place.with_extension("new"), &place)
        .map_err(|it| Refusal::io("written", &place, &it))?;

    let written = Written { root: root.to_owned(), journal, _lock: lock };
    match written.place() {
        Ok(()) => Ok(written),
        Err(refusal) => {
            written.restore()?;
            Err(refusal)
        }
    }
}

/// Puts a tree back that a killed command has left half written; whether there was one.
pub fn recover(root: &Path) -> Result<bool> {
    let aside = root.join(ASIDE);
    if !aside.exists() {
        return Ok(false);
    }
    let lock = lock(root)?;
    let journal = fs::read_to_string(aside.join("journal")).ok();
    let Some(journal) = journal.and_then(|text| serde_json::from_str(&text).ok()) else {
        // It was killed before it changed anything.
        fs::remove_dir_all(&aside).map_err(|it| Refusal::io("removed", &aside, &it))?;
        return Ok(false);
    };
    Written { root: root.to_owned(), journal, _lock: lock }.restore()?;
    Ok(true)
}

impl Written {
    fn place(&self) -> Result<()> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error: io::Error| Refusal::io("written", &path, &error)
        };
        for folder in &self.journal.folders {
            let folder = self.root.join(folder);
            fs::create_dir_all(&folder).map_err(failed(&folder))?;
        }
        for path in self.journal.replaced.iter().chain(&self.journal.created) {
            let place = self.root.join(path);
            fs::rename(self.root.join(ASIDE).join("after").join(path), &place)
                .map_err(failed(&place))?;
        }
        Ok(())
    }

    /// The tree is as it was.
    pub fn restore(self) -> Result<()> {
        for path in &self.journal.replaced {
            let (kept, place) =
                (self.root.join(ASIDE).join("before").join(path), self.root.join(path));
            if kept.exists() {
                fs::rename(kept, &place).map_err(|it| Refusal::io("put back", &place, &it))?;
            }
        }
        for path in &self.journal.created {
            let place = self.root.join(path);
            match fs::remove_file(&place) {
                Err(error) if !is_absent(&error) => {
                    return Err(Refusal::io("removed", &place, &error));
                }
                _ => {}
            }
        }
        for folder in self.journal.folders.iter().rev() {
            // Somebody else may have put a file there.
            let _ = fs::remove_dir(self.root.join(folder));
        }
        self.keep()
    }

    /// The tree stays as it is now.
    pub fn keep(self) -> Result<()> {
        let aside = self.root.join(ASIDE);
        let _ = fs::remove_file(aside.join("journal"));
        fs::remove_dir_all(&aside).map_err(|it| Refusal::io("removed", &aside, &it))
    }
}

fn put_aside(root: &Path, side: &str, path: &str, text: &str) -> Result<()> {
    let place = root.join(ASIDE).join(side).join(path);
    let write = || {
        fs::create_dir_all(place.parent().unwrap_or(root))?;
        fs::write(&place, text)?;
        File::open(&place)?.sync_all()
    };
    write().map_err(|it| Refusal::io("written", &place, &it))
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
        write(&tree).unwrap().restore().unwrap();
        is_as_it_was(&folder);
        write(&tree).unwrap().keep().unwrap();
        assert_eq!(fs::read_to_string(folder.join("b/c/d")).unwrap(), "three");
        assert!(!folder.join(ASIDE).exists());
    }

    #[test]
    fn the_next_command_puts_back_what_a_killed_one_has_left() {
        let (folder, tree) = planned("killed");
        drop(write(&tree).unwrap());
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "two");
        assert!(recover(&folder).unwrap());
        is_as_it_was(&folder);
        // Killed between two files: one stands in its place, the other is still aside.
        drop(write(&tree).unwrap());
        fs::create_dir_all(folder.join(ASIDE).join("after")).unwrap();
        fs::rename(folder.join("a"), folder.join(ASIDE).join("after/a")).unwrap();
        assert!(recover(&folder).unwrap());
        is_as_it_was(&folder);
        // Killed before the journal.
        fs::create_dir(folder.join(ASIDE)).unwrap();
        assert!(!recover(&folder).unwrap());
        is_as_it_was(&folder);
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
