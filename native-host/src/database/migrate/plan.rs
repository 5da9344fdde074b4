//! What is applied, what is missing, what does not fit: without a database.

use trireme_core::{Timestamp, migrations::Migration};

use super::{MigrateError, legacy};

/// The books of a database, `schema_migrations`.
#[derive(Debug, Default)]
pub struct Books {
    pub applied: Vec<Applied>,
    /// They are from before there were series; `applied` is as they will be.
    pub old: bool,
}

/// A row of the books.
#[derive(Clone, Debug)]
pub struct Applied {
    pub series: String,
    pub version: i64,
    pub name: String,
    pub checksum: String,
    pub at: Timestamp,
}

/// One migration, known to this build, to the database or to both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub series: String,
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
    /// Applied by a newer build, or another product's.
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

impl Books {
    /// The books by their rows, which name a series unless they are from before there were any.
    pub fn of(rows: Vec<(Option<String>, Applied)>) -> Self {
        let old = rows.iter().any(|(series, _)| series.is_none());
        let mut applied = Vec::new();
        for (series, row) in rows {
            match series {
                Some(series) => applied.push(Applied { series, ..row }),
                None => applied.extend(
                    legacy::series(row.version)
                        .iter()
                        .map(|&series| Applied { series: series.to_owned(), ..row.clone() }),
                ),
            }
        }
        Self { applied, old }
    }
}

impl Applied {
    fn is(&self, migration: &Migration) -> bool {
        (self.series.as_str(), self.version) == (migration.series, migration.version)
    }
}

/// Both lists as one: what this build has, in its order, then what it does not know.
pub fn compare(known: &[Migration], applied: &[Applied]) -> Vec<Status> {
    let of_build = known.iter().map(|migration| {
        let state = match applied.iter().find(|row| row.is(migration)) {
            None => State::Pending,
            Some(row) if row.checksum == migration.checksum() || legacy::knows(row) => {
                State::Applied { at: row.at }
            }
            Some(_) => State::Changed,
        };
        let Migration { series, version, name, .. } = *migration;
        Status { series: series.to_owned(), version, name: name.to_owned(), state }
    });
    let is_strange = |row: &&Applied| !known.iter().any(|migration| row.is(migration));
    let of_others = applied.iter().filter(is_strange).map(|row| Status {
        series: row.series.clone(),
        version: row.version,
        name: row.name.clone(),
        state: State::Unknown,
    });
    of_build.chain(of_others).collect()
}

/// The migrations to apply, in order, up to version `to`. A series builds on the whole of the one
/// before it.
pub fn pending(
    known: &[Migration],
    applied: &[Applied],
    to: Option<i64>,
) -> Result<Vec<Migration>, MigrateError> {
    for Status { series, name, state, .. } in compare(known, applied) {
        match state {
            State::Unknown => return Err(MigrateError::Newer { series, name }),
            State::Changed => return Err(MigrateError::Changed { name }),
            State::Applied { .. } | State::Pending => {}
        }
    }
    let newest = known.iter().map(|migration| migration.version).max().unwrap_or(0);
    let current = applied.iter().map(|row| row.version).max().unwrap_or(0);
    let to = to.unwrap_or(newest);
    if to < current {
        return Err(MigrateError::Backwards { to, current });
    }
    if to > newest {
        return Err(MigrateError::NoSuchVersion { to, newest });
    }
    let is_due = |migration: &&Migration| {
        let mut before = known.iter().take_while(|other| other.series != migration.series);
        migration.version <= to
            && before.all(|other| other.version <= to)
            && !applied.iter().any(|row| row.is(migration))
    };
    Ok(known.iter().filter(is_due).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Migration; 2] = [
        Migration { series: "trireme", version: 1, name: "0001_one", sql: "SELECT 1" },
        Migration { series: "trireme", version: 2, name: "0002_two", sql: "SELECT 2" },
    ];

    fn applied(migration: &Migration) -> Applied {
        Applied {
            series: migration.series.into(),
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
    fn a_product_comes_after_the_whole_core() {
        let [one, two] = KNOWN;
        let known = [two, Migration { series: "shop", ..one }, Migration { series: "shop", ..two }];
        let due = |applied: &[Applied], to| {
            let pending = pending(&known, applied, to).unwrap();
            pending.iter().map(|it| (it.series, it.version)).collect::<Vec<_>>()
        };
        assert_eq!(due(&[], None), [("trireme", 2), ("shop", 1), ("shop", 2)]);
        assert_eq!(due(&[], Some(1)), [], "the core is not complete");
        assert_eq!(due(&[applied(&two)], Some(2)), [("shop", 1), ("shop", 2)]);
    }

    #[test]
    fn old_books_are_read_as_they_will_be() {
        let old: Vec<_> =
            (1..=5).map(|version| Applied { version, ..applied(&KNOWN[0]) }).collect();
        let books = Books::of(old.into_iter().map(|row| (None, row)).collect());
        let rows = books.applied.iter().map(|row| format!("{} {}", row.series, row.version));
        let expected = ["trireme 1", "tasks 2", "trireme 3", "trireme 4", "tasks 4", "tasks 5"];
        assert!(books.old && rows.eq(expected), "{books:?}");
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
