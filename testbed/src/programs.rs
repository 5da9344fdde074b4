use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Debian keeps PostgreSQL's own programs out of PATH, one folder a version.
const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";

/// Where `program` of PostgreSQL is: of the highest version in Debian's folder, else in PATH.
pub(crate) fn postgres(program: &str) -> Result<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN_POSTGRES).into_iter().flatten().flatten();
    versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .map(|(version, folder)| (version, folder.join("bin").join(program)))
        .filter(|(_, file)| file.is_file())
        .max()
        .map_or_else(|| find(program), |(_, file)| Ok(file))
}

/// Where `program` is in PATH, or where Debian keeps servers, which is not in every PATH.
pub(crate) fn find(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
        .ok_or_else(|| Error::Missing { program: program.to_owned() })
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}
