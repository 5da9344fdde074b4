//! What a run has registered, in a file that outlives it: a run that is killed can't delete its
//! accounts, but the next command can.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::context::{Known, random_tag};

/// The file of one run. It is locked for as long as the run lives.
#[derive(Clone, Debug)]
pub struct Journal {
    path: PathBuf,
    file: Arc<File>,
}

impl Journal {
    /// Begins a file of a new name in this folder, which is made if need be: nobody else may look
    /// into either.
    pub fn begin(folder: &Path, url: &str) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(format!("{}.jsonl", random_tag()));
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
        file.lock()?;
        let journal = Self { path, file: Arc::new(file) };
        journal.write(&json!({ "url": url }))?;
        Ok(journal)
    }

    /// Called before the server is asked, since the answer may never be seen.
    pub(crate) fn note(&self, email: &str, password: &str) {
        // Without it the run still deletes its accounts itself.
        let _ = self.write(&json!({ "email": email, "password": password }));
    }

    fn write(&self, line: &Value) -> io::Result<()> {
        (&*self.file).write_all(format!("{line}\n").as_bytes())
    }

    /// There is nothing left to remember.
    pub(crate) fn end(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// What a run that did not get to its end may have left on a server.
#[derive(Debug)]
pub struct Leftover {
    /// The server's address, as the run was given it.
    pub url: String,
    pub(crate) accounts: Vec<Known>,
    path: PathBuf,
    /// Locked, so that two commands do not clean up the same.
    _file: File,
}

impl Leftover {
    /// Those in a folder whose runs have ended.
    pub fn all(folder: &Path) -> io::Result<Vec<Self>> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        Ok(paths.into_iter().filter_map(Self::read).collect())
    }

    fn read(path: PathBuf) -> Option<Self> {
        let file = File::open(&path).ok()?;
        file.try_lock().ok()?;
        let text = io::read_to_string(&file).ok()?;
        // The last line may be half of one.
        let mut lines = text.lines().map_while(|line| serde_json::from_str::<Value>(line).ok());
        let url = lines.next()?["url"].as_str()?.to_owned();
        let mut accounts: Vec<Known> = Vec::new();
        for line in lines {
            let (Some(email), Some(password)) = (line["email"].as_str(), line["password"].as_str())
            else {
                continue;
            };
            match accounts.iter_mut().find(|known| known.email == email) {
                Some(known) => known.passwords.push(password.to_owned()),
                None => accounts.push(Known::new(email, password)),
            }
        }
        Some(Self { url, accounts, path, _file: file })
    }

    pub(crate) fn end(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_was_killed_is_remembered() {
        let folder = std::env::temp_dir().join(format!("verify-{}", random_tag()));
        let journal = Journal::begin(&folder, "http://a").unwrap();
        journal.note("a@example.com", "one");
        journal.note("b@example.com", "two");
        journal.note("a@example.com", "three");
        assert!(Leftover::all(&folder).unwrap().is_empty(), "it is still under way");
        (&*journal.file).write_all(b"{\"email\":\"c@exa").unwrap();
        drop(journal);

        let left = Leftover::all(&folder).unwrap();
        assert_eq!((left.len(), &*left[0].url), (1, "http://a"));
        let passwords: Vec<_> = left[0].accounts.iter().map(|known| &known.passwords).collect();
        assert_eq!(
            passwords,
            [&vec!["one".to_owned(), "three".to_owned()], &vec!["two".to_owned()]]
        );
        left[0].end();
        drop(left);
        assert!(Leftover::all(&folder).unwrap().is_empty());
        fs::remove_dir(&folder).unwrap();
        assert!(Leftover::all(&folder).unwrap().is_empty(), "no folder, no runs");
    }
}
