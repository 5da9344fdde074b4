//! Folders of their own for tests.

use std::{env, fs, path::PathBuf, process};

pub fn folder(name: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("trireme-grow-{}", process::id())).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}
