//! The database's files, which are their owner's alone whatever the umask.

use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

const FILE: u32 = 0o600;
const FOLDER: u32 = 0o700;
const OF_OTHERS: u32 = 0o077;

/// What SQLite puts beside a database; it gives them the database's own mode when it makes them.
const BESIDE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Makes the file and its folders where they are missing, and takes others' rights from files
/// that are there; what was taken is in the log. SQLite would make a file that whoever the umask
/// lets may read.
pub fn prepare(path: &Path) -> Result<(), String> {
    make_folder(path.parent().unwrap_or(Path::new("")))
        .map_err(|error| format!("its folder can't be made: {error}"))?;
    // Follows a link, as SQLite does.
    if fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        make(path).map_err(|error| error.to_string())?;
    }
    for file in BESIDE.map(|end| beside(path, end)) {
        close(&file);
    }
    Ok(())
}

fn make(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(FILE).open(path)?;
    // The umask may take the owner's own rights.
    set(path, FILE)
}

/// Those of a database's files that others may read or write.
pub fn open_to_others(path: &Path) -> Vec<PathBuf> {
    let files = BESIDE.map(|end| beside(path, end)).into_iter();
    files.filter(|file| mode(file).is_some_and(|mode| mode & OF_OTHERS != 0)).collect()
}

fn close(file: &Path) {
    let Some(mode) = mode(file).filter(|mode| mode & OF_OTHERS != 0) else { return };
    let (name, was) = (file.display(), format!("{mode:o}"));
    match set(file, mode & !OF_OTHERS) {
        Ok(()) => {
            tracing::warn!(file = %name, was, "others could use the database's file: it is the owner's alone now");
        }
        Err(error) => {
            tracing::warn!(file = %name, was, %error, "others can use the database's file, and it can't be taken from them");
        }
    }
}

fn mode(file: &Path) -> Option<u32> {
    let metadata = fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
    Some(metadata.permissions().mode() & 0o777)
}

/// By its path: closing the file itself would let go of the locks that this process has on it.
fn set(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_folder(parent)?;
    }
    match DirBuilder::new().mode(FOLDER).create(folder) {
        Ok(()) => set(folder, FOLDER),
        // By somebody else at the same moment.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}
