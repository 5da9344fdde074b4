use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Debian keeps PostgreSQL's own programs out of PATH, one folder a version, and only a
/// slower wrapper of its clients in it.
const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";

/// Where a program is: in the folder of Debian's highest version of PostgreSQL, in PATH, or
/// where servers are kept, which is not in every user's PATH.
pub fn find_program(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian_postgres()
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
        .ok_or_else(|| Error::Missing { program: program.to_owned() })
}

fn debian_postgres() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN_POSTGRES).ok()?.flatten();
    let (_, folder) = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .max()?;
    Some(folder.join("bin"))
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_there_and_names_what_is_not() {
        assert!(find_program("sh").unwrap().is_absolute());
        let error = find_program("no-such-program").unwrap_err().to_string();
        assert!(
            error.contains("no-such-program") && error.contains("cargo xtask setup"),
            "{error}"
        );
    }
}
