//! What is applied, what is missing, what does not fit: without a database.

use trireme_core::{Timestamp, migrations::Migration};

use super::MigrateError;

/// A row of `schema_migrations`.
#[derive(Clone, Debug)]
pub struct Applied {
    pub version: i64,
    pub name: String,
    pub checksum: String,
    pub at: Timestamp,
}

/// One migration, known to this build, to the database or to both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub version: i64,
    pub name: String,
    pub state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Applied {
        at: Timestamp,
    },
    Pending,
    /// Applied, and edited since.
    Changed,
    /// Applied by a newer build.
    Unknown,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied { .. } => "applied",
            Self::Pending => "pending",
            Self::Changed => "changed",
            Self::Unknown => "unknown",
        }
    }
}

/// Both lists as one, by version.
pub fn compare(known: &[Migration], applied: &[Applied]) -> Vec<Status> {
    let of_build = known.iter().map(|migration| {
        let row = applied.iter().find(|row| row.version == migration.version);
        let state = match row {
            None => State::Pending,
            Some(row) if row.checksum == migration.checksum() => State::Applied { at: row.at },
            Some(_) => State::Changed,
        };
        Status { version: migration.version, name: migration.name.to_owned(), state }
    });
    let of_others = applied
        .iter()
        .filter(|row| known.iter().all(|migration| migration.version != row.version))
        .map(|row| Status { version: row.version, name: row.name.clone(), state: State::Unknown });
    let mut all: Vec<_> = of_build.chain(of_others).collect();
    all.sort_by_key(|status| status.version);
    all
}

/// The migrations to apply, in order, up to version `to`.
pub fn pending(
    known: &[Migration],
    applied: &[Applied],
    to: Option<i64>,
) -> Result<Vec<Migration>, MigrateError> {
    for Status { version, name, state } in compare(known, applied) {
        match state {
            State::Unknown => return Err(MigrateError::Newer { version, name }),
            State::Changed => return Err(MigrateError::Changed { name }),
            State::Applied { .. } | State::Pending => {}
        }
    }
    let newest = known.last().map_or(0, |migration| migration.version);
    let current = applied.iter().map(|row| row.version).max().unwrap_or(0);
    let to = to.unwrap_or(newest);
    if to < current {
        return Err(MigrateError::Backwards { to, current });
    }
    if to > newest {
        return Err(MigrateError::NoSuchVersion { to, newest });
    }
    let is_due = |migration: &&Migration| {
        migration.version <= to && applied.iter().all(|row| row.version != migration.version)
    };
    Ok(known.iter().filter(is_due).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Migration; 2] = [
        Migration { version: 1, name: "0001_one", sql: "SELECT 1" },
        Migration { version: 2, name: "0002_two", sql: "SELECT 2" },
    ];

    fn applied(migration: &Migration) -> Applied {
        Applied {
            version: migration.version,
            name: migration.name.into(),
            checksum: migration.checksum(),
            at: Timestamp::from_millis(0),
        }
    }

    fn versions(applied: &[Applied], to: Option<i64>) -> Result<Vec<i64>, String> {
        let pending = pending(&KNOWN, applied, to).map_err(|error| error.to_string())?;
        Ok(pending.iter().map(|migration| migration.version).collect())
    }

    #[test]
    fn what_is_missing_is_due_in_order() {
        assert_eq!(versions(&[], None), Ok(vec![1, 2]));
        assert_eq!(versions(&[], Some(1)), Ok(vec![1]));
        assert_eq!(versions(&[applied(&KNOWN[0])], None), Ok(vec![2]));
        assert_eq!(versions(&[applied(&KNOWN[1])], None), Ok(vec![1]));
        assert_eq!(versions(&KNOWN.each_ref().map(applied), None), Ok(vec![]));
    }

    #[test]
    fn there_is_no_way_back_and_none_beyond() {
        let error = versions(&KNOWN.each_ref().map(applied), Some(1)).unwrap_err();
        assert!(error.contains("no way back") && error.contains("backup"), "{error}");
        assert!(versions(&[], Some(3)).unwrap_err().contains("the newest is 2"));
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let edited = Applied { checksum: "other".into(), ..applied(&KNOWN[0]) };
        assert!(versions(&[edited], None).unwrap_err().contains("0001_one"));
        let newer = Applied { version: 3, name: "0003_three".into(), ..applied(&KNOWN[0]) };
        assert!(versions(&[newer], None).unwrap_err().contains("0003_three"));
    }
}
