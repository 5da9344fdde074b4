//! Series of migrations, and databases from before there were any.

mod database_support;

use std::{collections::BTreeSet, path::PathBuf, process::Command, thread, time::Duration};

use trireme::series;
use trireme_core::{
    host::{Backend, Database as _, Scope},
    migrations::{CORE, Migration, Migrations, Schema, Series, Version, all},
};
use trireme_native::database::{
    Database,
    migrate::{MigrateError, State},
};
use trireme_tasks::Tasks;
use trireme_testbed::{Folder, Postgres, find_program, require};

use database_support::{config, first_int, open};

/// A database of either kind, to be looked at past the program.
enum Place {
    File(Folder),
    Postgres(trireme_testbed::Database),
}

impl Place {
    /// One of each kind, empty.
    fn each() -> Vec<Self> {
        let home = require(Postgres::shared())
            .map(|postgres| trireme_testbed::Database::create(postgres).unwrap());
        [Self::File(Folder::new().unwrap())].into_iter().chain(home.map(Self::Postgres)).collect()
    }

    /// Another of the same kind.
    fn another(&self) -> Self {
        match self {
            Self::File(_) => Self::File(Folder::new().unwrap()),
            Self::Postgres(_) => Self::Postgres(
                trireme_testbed::Database::create(Postgres::shared().unwrap()).unwrap(),
            ),
        }
    }

    fn backend(&self) -> Backend {
        match self {
            Self::File(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }

    fn url(&self) -> String {
        match self {
            Self::File(folder) => format!("sqlite://{}", folder.path().join("file").display()),
            Self::Postgres(home) => home.url(),
        }
    }

    fn open(&self) -> Database {
        open(&config(&self.url()))
    }

    /// Runs statements; what the last one gives, a row a line.
    fn run(&self, sql: &str) -> String {
        match self {
            Self::Postgres(home) => home.run(sql).unwrap(),
            Self::File(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join("file")).unwrap();
                let (before, last) =
                    sql.trim_end_matches(';').rsplit_once(';').unwrap_or(("", sql));
                connection.execute_batch(before).unwrap();
                let mut last = connection.prepare(last).unwrap();
                let rows = last.query_map([], |row| row.get::<_, String>(0)).unwrap();
                rows.map(Result::unwrap).collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// Brings an empty database to a version as builds did before there were series.
    fn migrate_of_old(&self, to: i64) {
        let (dialect, books, now) = match self {
            Self::File(_) => (
                "sqlite",
                "CREATE TABLE IF NOT EXISTS schema_migrations (
                    version INTEGER PRIMARY KEY,
                    name TEXT NOT NULL,
                    checksum TEXT NOT NULL,
                    applied_at INTEGER NOT NULL
                ) STRICT",
                "1700000000123",
            ),
            Self::Postgres(_) => (
                "postgres",
                "CREATE TABLE IF NOT EXISTS schema_migrations (
                    version bigint PRIMARY KEY,
                    name text NOT NULL,
                    checksum text NOT NULL,
                    applied_at timestamptz NOT NULL
                )",
                "'2023-11-14T22:13:20.123Z'",
            ),
        };
        self.run(&format!("{books}; SELECT ''"));
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let folders = ["tests/before_series", "../shared/migrations", "../tasks/migrations"];
        let names: BTreeSet<_> =
            all(series::<Tasks>(), self.backend()).iter().map(|it| (it.version, it.name)).collect();
        for (version, name) in names.into_iter().filter(|(version, _)| *version <= to) {
            let file = folders
                .iter()
                .map(|folder| here.join(folder).join(dialect).join(format!("{name}.sql")))
                .find(|file| file.exists())
                .unwrap();
            let text = std::fs::read_to_string(file).unwrap();
            let sql = Box::leak(text.into_boxed_str());
            let checksum = Migration { series: "", version, name, sql }.checksum();
            self.run(&format!(
                "{sql};\nINSERT INTO schema_migrations VALUES ({version}, '{name}', '{checksum}', {now}); SELECT ''"
            ));
        }
    }

    /// Somebody who has something.
    fn fill(&self, version: i64) {
        let now = if self.backend() == Backend::Sqlite { "0" } else { "'epoch'" };
        let id = |n: u8| format!("'0191f0a0-0000-7000-8000-00000000000{n}'");
        self.run(&format!(
            "INSERT INTO users (id, email, created_at, updated_at, version)
             VALUES ({}, 'ada@example.com', {now}, {now}, 1); SELECT ''",
            id(1)
        ));
        if version >= 2 {
            self.run(&format!(
                "INSERT INTO contexts (id, user_id, name, created_at, updated_at, version)
                 VALUES ({1}, {0}, 'home', {now}, {now}, 1);
                 INSERT INTO tasks (id, user_id, context_id, title, status, priority, created_at, updated_at, version, title_folded)
                 VALUES ({2}, {0}, {1}, 'Öl', 'todo', 'low', {now}, {now}, 1, 'öl'); SELECT ''",
                id(1), id(2), id(3)
            ));
        }
    }

    /// All that the schema is made of, in an order of its own.
    fn schema(&self) -> Vec<String> {
        let text = match self {
            Self::File(_) => self
                .run("SELECT type || ' ' || name || ' ' || COALESCE(sql, '') FROM sqlite_schema"),
            Self::Postgres(home) => {
                let dump = Command::new(find_program("pg_dump").unwrap())
                    .args(["--schema-only", "--no-owner", "--dbname", &home.url()])
                    .output()
                    .unwrap();
                assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
                let role = home.run("SELECT trireme_role()").unwrap();
                String::from_utf8(dump.stdout).unwrap().replace(&role, "the_role")
            }
        };
        // `\restrict` has a random word.
        let lines = text.lines().filter(|line| !line.starts_with('\\'));
        let mut lines: Vec<_> = lines.map(str::to_owned).collect();
        lines.sort();
        lines
    }

    fn books(&self) -> String {
        self.run("SELECT series || ' ' || version || ' ' || name FROM schema_migrations ORDER BY series, version")
    }
}

/// How many migrations there are by now.
fn due() -> i64 {
    Schema::of(series::<Tasks>()).count()
}

/// How many the old books become: 4 was one file for both series.
fn carried_over(version: i64) -> i64 {
    version + i64::from(version >= 4)
}

async fn migrate(place: &Place, product: Series) -> usize {
    place.open().migrator(product).migrate(None, |_| ()).await.unwrap().len()
}

async fn counts(database: &Database, product: Series) -> (i64, i64) {
    let schema = Schema::of(product);
    let applied = first_int(database, Scope::Service, database.applied(schema)).await.unwrap();
    (applied, schema.count())
}

#[tokio::test]
async fn a_database_of_each_old_version_becomes_what_a_fresh_one_is() {
    for place in Place::each() {
        let fresh = place.another();
        assert_eq!(migrate(&fresh, series::<Tasks>()).await as i64, due());
        for version in 1..=7 {
            let old = place.another();
            old.migrate_of_old(version);
            old.fill(version);
            let migrator = old.open();
            let before = migrator.migrator(series::<Tasks>()).status().await.unwrap();
            let is_applied = |state| matches!(state, State::Applied { .. });
            let applied = before.iter().filter(|it| is_applied(it.state)).count() as i64;
            assert_eq!(applied, carried_over(version), "{before:?}");

            assert_eq!(
                migrate(&old, series::<Tasks>()).await as i64,
                due() - applied,
                "from {version}"
            );
            let (found, expected) = (old.schema(), fresh.schema());
            let strange: Vec<_> = found.iter().filter(|line| !expected.contains(line)).collect();
            let lacking: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
            assert_eq!((strange, lacking), (vec![], vec![]), "from {version}");
            assert_eq!(found.len(), expected.len(), "from {version}");
            assert_eq!(old.books(), fresh.books(), "from {version}");
            assert_eq!(old.run("SELECT email FROM users"), "ada@example.com");
            if version >= 2 {
                assert_eq!(old.run("SELECT title FROM tasks"), "Öl");
            }
            assert_eq!(migrate(&old, series::<Tasks>()).await, 0);
            assert_eq!(counts(&old.open(), series::<Tasks>()).await, (due(), due()));
        }
    }
}

#[tokio::test]
async fn an_old_file_that_was_edited_is_refused_still() {
    for place in Place::each() {
        for (version, name) in
            [(1, "0001_accounts"), (2, "0002_contexts_and_tasks"), (4, "0004_maintenance")]
        {
            let old = place.another();
            old.migrate_of_old(7);
            old.run(&format!(
                "UPDATE schema_migrations SET checksum = 'x' WHERE version = {version}; SELECT ''"
            ));
            let refused =
                old.open().migrator(series::<Tasks>()).migrate(None, |_| ()).await.unwrap_err();
            assert_eq!(refused, MigrateError::Changed { name: name.to_owned() });
        }
    }
}

#[tokio::test]
async fn books_are_carried_over_with_a_migration_or_not_at_all() {
    for place in Place::each() {
        place.migrate_of_old(7);
        let before = place.schema();
        let database = place.open();
        let mut known = all(series::<Tasks>(), place.backend());
        let eighth = known.iter_mut().find(|it| it.version == 8).unwrap();
        match &place {
            Place::File(_) => eighth.sql = "CREATE TABLE half (n INTEGER); SELECT nonsense();",
            Place::Postgres(_) => eighth.sql = "CREATE TABLE half (n bigint); SELECT pg_sleep(30)",
        }
        let migrator = database.migrator(series::<Tasks>()).with(known);
        let killed = async {
            let Place::Postgres(home) = &place else { return };
            let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                       WHERE datname = current_database() AND query LIKE '%pg_sleep(30)' AND pid <> pg_backend_pid()";
            while home.run(end).unwrap() == "0" {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let (result, ()) = tokio::join!(migrator.migrate(None, |_| ()), killed);
        let error = result.unwrap_err();
        assert!(
            matches!(error, MigrateError::Failed { .. } | MigrateError::Interrupted { .. }),
            "{error}"
        );
        assert_eq!(place.schema(), before);
        assert_eq!(migrate(&place, series::<Tasks>()).await as i64, due() - carried_over(7));
    }
}

#[tokio::test]
async fn several_carry_an_old_database_over_once() {
    for place in Place::each() {
        for version in [3, 7] {
            let old = place.another();
            old.migrate_of_old(version);
            let url = old.url();
            let one = || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let database = open(&config(&url));
                    database
                        .migrator(series::<Tasks>())
                        .migrate(None, |_| ())
                        .await
                        .map(|done| done.len())
                })
            };
            let applied: usize = thread::scope(|scope| {
                let all: Vec<_> = (0..6).map(|_| scope.spawn(one)).collect();
                all.into_iter().map(|it| it.join().unwrap().unwrap()).sum()
            });
            assert_eq!(applied as i64, due() - carried_over(version));
            assert_eq!(counts(&old.open(), series::<Tasks>()).await, (due(), due()));
        }
    }
}

const SHOP: Series = Series {
    name: "shop",
    migrations: Migrations {
        versions: &[Version { number: 1001, name: "1001_orders" }],
        postgres: &["
            CREATE TABLE orders (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE);
            ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
            CREATE POLICY own ON orders USING (user_id = (SELECT trireme_user_id()));
            SELECT settle_trireme_role();"],
        sqlite: &["CREATE TABLE orders (id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE) STRICT"],
    },
};

#[tokio::test]
async fn a_product_has_a_series_of_its_own() {
    for place in Place::each() {
        let core = CORE.migrations.versions.len();
        assert_eq!(migrate(&place, SHOP).await, core + 1);
        let database = place.open();
        assert_eq!(counts(&database, SHOP).await, (core as i64 + 1, core as i64 + 1));
        let schema = place.schema().join("\n");
        assert!(schema.contains("orders") && !schema.contains("contexts"), "{schema}");

        // What a newer build has applied besides does not count, and stops this one's next start.
        let now = if place.backend() == Backend::Sqlite { "0" } else { "'epoch'" };
        place.run(&format!("INSERT INTO schema_migrations VALUES (1002, '1002_lines', '', {now}, 'shop'); SELECT ''"));
        assert_eq!(counts(&database, SHOP).await, (core as i64 + 1, core as i64 + 1));
        let newer = database.migrator(SHOP).migrate(None, |_| ()).await.unwrap_err();
        let (series, name) = ("shop".to_owned(), "1002_lines".to_owned());
        assert_eq!(newer, MigrateError::Newer { series, name });
    }
}

#[tokio::test]
async fn another_products_database_is_refused() {
    for place in Place::each() {
        place.migrate_of_old(7);
        let error = place.open().migrator(SHOP).migrate(None, |_| ()).await.unwrap_err();
        assert!(error.to_string().contains("of the series tasks"), "{error}");
    }
}
