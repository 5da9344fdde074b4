use std::{fmt, time::Duration};

use crate::{database::postgres::needs::Lack, program};

/// Why the schema is not what this build needs. The text says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MigrateError {
    /// No connection; trying again later may do.
    Unreachable(String),
    /// The server or the role will not do as they are.
    Lacking(Vec<Lack>),
    /// A lock was not to be had in time; trying again later may do.
    Locked {
        name: String,
        waited: Duration,
        cause: String,
    },
    /// Nothing of it stays.
    Failed {
        name: String,
        cause: String,
    },
    /// The migrations before it stay, nothing of it does, unless the server finished it after
    /// the connection broke.
    Interrupted {
        name: String,
        cause: String,
    },
    Changed {
        name: String,
    },
    Newer {
        series: String,
        name: String,
    },
    Backwards {
        to: i64,
        current: i64,
    },
    NoSuchVersion {
        to: i64,
        newest: i64,
    },
}

impl MigrateError {
    /// The text and its full stop; a server's hint may be a statement, which ends as it has to.
    pub fn sentence(&self) -> String {
        let text = self.to_string();
        if text.ends_with([';', '.']) { text } else { text + "." }
    }
}

impl fmt::Display for MigrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(cause) => {
                write!(
                    f,
                    "the database can't be reached: {cause}. `{} doctor` looks closer",
                    program::name()
                )
            }
            Self::Lacking(lacks) => {
                write!(f, "the database will not do.")?;
                lacks.iter().try_for_each(|lack| write!(f, " {lack}"))
            }
            Self::Locked { name, waited, cause } => write!(
                f,
                "migration {name} waited {} s for a lock in vain ({cause}). Another process \
                 migrates or uses the table for long; try again when it is done",
                waited.as_secs()
            ),
            Self::Failed { name, cause } => {
                write!(f, "migration {name} failed and nothing of it was kept: {cause}")
            }
            Self::Interrupted { name, cause } => write!(
                f,
                "the connection broke during migration {name}: {cause}. Whether it is applied \
                 is told by `{} migrate --status`; run it again",
                program::name()
            ),
            Self::Changed { name } => write!(
                f,
                "migration {name} was edited after it had been applied. Put the file back as it \
                 was, and make the change in a new migration"
            ),
            Self::Newer { series, name } => write!(
                f,
                "the database is newer than this build, or another product's: it has migration \
                 {name} of the series {series}, which this build does not know. Run the build that \
                 belongs to it, or a newer one"
            ),
            Self::Backwards { to, current } => write!(
                f,
                "the database is at version {current} and there is no way back to {to}: \
                 migrations only go forwards. Restore a backup from before"
            ),
            Self::NoSuchVersion { to, newest } => {
                write!(f, "there is no migration {to}; the newest is {newest}")
            }
        }
    }
}
impl std::error::Error for MigrateError {}
