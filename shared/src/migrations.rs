//! The numbered SQL files, embedded, each with a checksum. A host applies them; what they are
//! and which of them are missing is decided here.

use sha2::{Digest, Sha256};

use crate::host::Backend;

/// One file of `migrations/<dialect>/NNNN_name.sql`.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub version: i64,
    pub name: &'static str,
    pub sql: &'static str,
}

macro_rules! migrations {
    ($dialect:literal: $($version:literal $name:literal),* $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../migrations/", $dialect, "/", $name, ".sql")),
        }),*]
    };
}

const POSTGRES: &[Migration] = migrations!["postgres":
    1 "0001_accounts",
    2 "0002_contexts_and_tasks",
    3 "0003_idempotency_and_limits",
    4 "0004_maintenance",
    5 "0005_folding",
    6 "0006_role_of_the_database",
    7 "0007_folding_anywhere",
];

const SQLITE: &[Migration] = migrations!["sqlite":
    1 "0001_accounts",
    2 "0002_contexts_and_tasks",
    3 "0003_idempotency_and_limits",
    4 "0004_maintenance",
    5 "0005_folding",
    6 "0006_role_of_the_database",
    7 "0007_folding_anywhere",
];

/// All migrations of a dialect, in the order of their versions.
pub const fn all(backend: Backend) -> &'static [Migration] {
    match backend {
        Backend::Postgres => POSTGRES,
        Backend::Sqlite => SQLITE,
    }
}

impl Migration {
    /// SHA-256 of the file, in hexadecimal; line ends count as `\n`.
    pub fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        for line in self.sql.lines() {
            hash.update(line.as_bytes());
            hash.update(b"\n");
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_listed_and_numbered() {
        for (dialect, backend) in [("postgres", Backend::Postgres), ("sqlite", Backend::Sqlite)] {
            let folder = format!("{}/../migrations/{dialect}", env!("CARGO_MANIFEST_DIR"));
            let mut files: Vec<_> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            files.sort();
            let listed: Vec<_> =
                all(backend).iter().map(|migration| format!("{}.sql", migration.name)).collect();
            assert_eq!(files, listed);
            for (number, migration) in (1..).zip(all(backend)) {
                assert_eq!(migration.version, number);
                assert!(migration.name.starts_with(&format!("{number:04}_")));
            }
        }
    }
}
