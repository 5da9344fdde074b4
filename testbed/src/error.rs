use std::fmt;
use std::process::ExitStatus;

pub type Result<T> = std::result::Result<T, Error>;

/// Why something could not be put up. `Debug` is as readable as `Display`, so that a
/// test's `unwrap()` shows what to do.
#[derive(Clone)]
pub enum Error {
    /// A program that tests need is not installed.
    Missing { program: String },
    /// A process ended although it should have stayed.
    Exited { program: String, status: ExitStatus, log: String },
    /// Everything else, in words.
    Failed(String),
}

impl Error {
    /// Says what was being done when `cause` came.
    pub(crate) fn doing(what: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self::Failed(format!("{what}: {cause}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { program } => {
                write!(
                    f,
                    "`{program}` is not installed; run `cargo xtask setup`, which installs what the tests need"
                )
            }
            Self::Exited { program, status, log } => {
                write!(f, "{program} ended too early ({status}); it wrote:\n{}", log.trim_end())
            }
            Self::Failed(what) => f.write_str(what),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
