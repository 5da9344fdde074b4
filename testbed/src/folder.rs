use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::child::Watchdog;
use crate::{Error, Result};

/// A temporary folder that is removed with everything in it on drop, and also when the
/// process ends without dropping.
pub struct Folder {
    path: PathBuf,
    _watchdog: Watchdog,
}

impl Folder {
    /// A folder that only the current user can enter.
    pub fn new() -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("trireme-{}-{number}", process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { _watchdog: Watchdog::of_folder(&path)?, path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(Error::doing(format!("making {}", path.display()), error));
                }
            }
        }
    }

    /// A folder for a server that refuses to run as root.
    pub(crate) fn for_service() -> Result<Self> {
        let folder = Self::new()?;
        if let Some(user) = ServiceUser::get()? {
            user.own(&folder.path)?;
        }
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file that only the service's user can read.
    pub(crate) fn write_private(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes()));
        written.map_err(|error| Error::doing(format!("writing {}", path.display()), error))?;
        if let Some(user) = ServiceUser::get()? {
            user.own(&path)?;
        }
        Ok(path)
    }

    /// Opens a log file for appending, once for stdout and once for stderr.
    pub(crate) fn log(&self, name: &str) -> Result<(PathBuf, File, File)> {
        let path = self.path.join(name);
        let open = || OpenOptions::new().append(true).create(true).open(&path);
        match (open(), open()) {
            (Ok(out), Ok(err)) => Ok((path, out, err)),
            (Err(error), _) | (_, Err(error)) => {
                Err(Error::doing(format!("opening {}", path.display()), error))
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A leftover in the temporary folder is no reason to fail a test.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Who runs PostgreSQL and PgBouncer when this process is root, whom both refuse.
#[derive(Clone, Copy)]
pub(crate) struct ServiceUser {
    pub uid: u32,
    pub gid: u32,
}

impl ServiceUser {
    /// `None` when this process is not root: then the servers run as its own user.
    pub fn get() -> Result<Option<Self>> {
        static FOUND: OnceLock<Option<ServiceUser>> = OnceLock::new();
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let found = *FOUND.get_or_init(|| ["postgres", "nobody"].into_iter().find_map(Self::named));
        found.map(Some).ok_or_else(|| {
            Error::Failed("root may not run PostgreSQL, and there is neither a user postgres nor nobody to run it".into())
        })
    }

    fn named(name: &str) -> Option<Self> {
        let id = |flag| {
            let output = Command::new("id")
                .args([flag, name])
                .output()
                .ok()
                .filter(|it| it.status.success())?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        Some(Self { uid: id("-u")?, gid: id("-g")? })
    }

    fn own(self, path: &Path) -> Result<()> {
        chown(path, Some(self.uid), Some(self.gid)).map_err(|error| {
            Error::doing(format!("handing {} to the service's user", path.display()), error)
        })
    }
}

/// A password nobody can guess, for servers that live for minutes on the loopback interface.
pub(crate) fn random_password() -> Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| Error::doing("reading /dev/urandom", error))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
