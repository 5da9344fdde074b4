//! The schema's history: numbered SQL files, embedded. They come in series, the core's and the
//! product's. A host applies them; what they are, and which of them a build needs, is said here.

use sha2::{Digest, Sha256};

use crate::{
    host::Backend,
    names::{is_numbered, is_same, is_snake},
    sql::Statement,
};

/// The number and the name of a migration: 1001, `1001_orders`. The core's are below 1000 and a
/// product's above, so that the files of both fit in one folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    pub number: i64,
    pub name: &'static str,
}

/// Migrations in both dialects, made by [`migrations!`](crate::migrations!). The texts are in the
/// order of the versions.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    pub versions: &'static [Version],
    pub postgres: &'static [&'static str],
    pub sqlite: &'static [&'static str],
}

impl Migrations {
    pub const NONE: Self = Self { versions: &[], postgres: &[], sqlite: &[] };
}

/// Migrations that build on one another, and the name that the books of a database know them by.
#[derive(Clone, Copy, Debug)]
pub struct Series {
    pub name: &'static str,
    pub migrations: Migrations,
}

/// Embeds the files `FOLDER/postgres/NAME.sql` and `FOLDER/sqlite/NAME.sql`. The folder is seen from
/// the file that names it, as with `include_str!`. A file that was applied anywhere is never
/// changed again.
///
/// ```ignore
/// const MIGRATIONS: Migrations = trireme::migrations! { "../migrations":
///     1001 "1001_orders",
///     1002 "1002_lines",
/// };
/// ```
#[macro_export]
macro_rules! migrations {
    ($folder:literal: $($number:literal $name:literal),* $(,)?) => {
        $crate::migrations::Migrations {
            versions: &[$($crate::migrations::Version { number: $number, name: $name }),*],
            postgres: &[$(include_str!(concat!($folder, "/postgres/", $name, ".sql"))),*],
            sqlite: &[$(include_str!(concat!($folder, "/sqlite/", $name, ".sql"))),*],
        }
    };
}

impl Series {
    /// Does not compile where a product's series, in a constant, can't stand beside the core's.
    pub const fn sound(self) -> Self {
        assert!(is_snake(self.name), "a product's NAME is like this_1");
        assert!(!is_same(self.name, CORE.name), "the core's series has this NAME");
        let Migrations { versions, postgres, sqlite } = self.migrations;
        assert!(
            versions.len() == postgres.len() && versions.len() == sqlite.len(),
            "a migration has a text for each dialect"
        );
        // The reference product's are from when there was one series.
        let mut last = if is_same(self.name, "tasks") { 0 } else { 1000 };
        let mut at = 0;
        while at < versions.len() {
            let Version { number, name } = versions[at];
            assert!(number > last, "a product's migrations are numbered from 1001, in their order");
            assert!(is_numbered(name, number), "a migration is named like 1001_orders");
            last = number;
            at += 1;
        }
        self
    }
}

/// What every product builds on: accounts, sessions, limits, maintenance. It is applied first.
pub const CORE: Series = Series {
    name: "trireme",
    migrations: migrations! { "../migrations":
        1 "0001_accounts",
        3 "0003_idempotency_and_limits",
        4 "0004_maintenance",
        6 "0006_role_of_the_database",
        8 "0008_functions_of_sqlite",
        9 "0009_outbox",
    },
};

/// One migration in one dialect.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub series: &'static str,
    pub version: i64,
    pub name: &'static str,
    pub sql: &'static str,
}

/// All migrations of a dialect in the order in which they are applied: the core's, then the product's.
pub fn all(product: Series, backend: Backend) -> Vec<Migration> {
    let of = |Series { name: series, migrations }| {
        let texts = match backend {
            Backend::Postgres => migrations.postgres,
            Backend::Sqlite => migrations.sqlite,
        };
        let versions = migrations.versions.iter().zip(texts);
        versions.map(move |(&Version { number: version, name }, sql)| Migration {
            series,
            version,
            name,
            sql,
        })
    };
    [CORE, product].into_iter().flat_map(of).collect()
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

/// Which migrations a build needs: their versions without their texts, which a host that applies
/// none need not carry.
#[derive(Clone, Copy, Debug)]
pub struct Schema([(&'static str, &'static [Version]); 2]);

impl Schema {
    pub const fn of(product: Series) -> Self {
        let Series { name, migrations } = product;
        Self([(CORE.name, CORE.migrations.versions), (name, migrations.versions)])
    }

    /// Each series' name with each of its versions.
    pub fn versions(self) -> impl Iterator<Item = (&'static str, Version)> {
        self.0.into_iter().flat_map(|(series, all)| all.iter().map(move |&it| (series, it)))
    }

    /// How many there are.
    pub fn count(self) -> i64 {
        self.versions().count() as i64
    }

    /// How many of them are applied, by the books that `trireme migrate` keeps. Others than these,
    /// of a newer build, don't count.
    pub fn applied(self) -> Statement<'static> {
        let mut text = String::from(
            "-- count_migrations\nSELECT count(*) FROM schema_migrations WHERE (series, version) IN (VALUES ",
        );
        for (at, (series, Version { number, .. })) in self.versions().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            text.extend([comma, "('", series, "', ", &number.to_string(), ")"]);
        }
        text.push(')');
        Statement::read(text, vec![])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_core_is_listed() {
        let Series { migrations, .. } = CORE;
        assert_eq!(migrations.versions.len(), migrations.postgres.len());
        for dialect in ["postgres", "sqlite"] {
            let folder = format!("{}/migrations/{dialect}", env!("CARGO_MANIFEST_DIR"));
            let files = std::fs::read_dir(folder).unwrap();
            let mut files: Vec<_> =
                files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            files.sort();
            let listed = migrations.versions.iter().map(|it| format!("{}.sql", it.name));
            assert_eq!(files, listed.collect::<Vec<_>>());
        }
    }

    #[test]
    fn names_begin_with_their_numbers() {
        for Version { number, name } in CORE.migrations.versions {
            assert!(name.starts_with(&format!("{number:04}_")) && *number < 1000, "{name}");
        }
    }

    fn is_sound(name: &'static str, versions: &'static [Version]) -> bool {
        let texts = [""; 2].as_slice().get(..versions.len()).unwrap();
        let texts: &'static [&'static str] = Vec::leak(texts.to_vec());
        let migrations = Migrations { versions, postgres: texts, sqlite: texts };
        std::panic::catch_unwind(|| Series { name, migrations }.sound()).is_ok()
    }

    #[test]
    fn a_series_that_others_can_be_told_from_is_sound() {
        const ONE: Version = Version { number: 1001, name: "1001_orders" };
        const TWO: Version = Version { number: 1003, name: "1003_lines" };
        assert!(is_sound("shop", &[]) && is_sound("shop_2", &[ONE, TWO]));
        for name in ["", "trireme", "Shop", "my-shop", "shop'", "2shop"] {
            assert!(!is_sound(name, &[ONE]), "{name}");
        }
        assert!(!is_sound("shop", &[TWO, ONE]), "out of order");
        assert!(!is_sound("shop", &[ONE, ONE]), "twice");
        assert!(!is_sound("shop", &[Version { number: 9, name: "0009_core" }]), "the core's");
        assert!(!is_sound("shop", &[Version { number: 1002, ..ONE }]), "another's name");
        let texts = Migrations { versions: &[ONE], postgres: &[""], sqlite: &[] };
        let lacking = Series { name: "shop", migrations: texts };
        assert!(std::panic::catch_unwind(|| lacking.sound()).is_err(), "a text is missing");
    }

    #[test]
    fn the_product_comes_after_the_core() {
        const PRODUCT: Series = Series {
            name: "shop",
            migrations: Migrations {
                versions: &[Version { number: 1001, name: "1001_orders" }],
                postgres: &["SELECT 1"],
                sqlite: &["SELECT 2"],
            },
        };
        let all = all(PRODUCT, Backend::Sqlite);
        assert_eq!(all.len() as i64, Schema::of(PRODUCT).count());
        let last = all.last().unwrap();
        assert_eq!((last.series, last.version, last.sql), ("shop", 1001, "SELECT 2"));
        let text = Schema::of(PRODUCT).applied().text;
        assert!(text.contains("(VALUES ('trireme', 1), ("), "{text}");
        assert!(text.ends_with(", ('shop', 1001))"), "{text}");
    }
}
