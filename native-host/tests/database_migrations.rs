//! Migrations: each whole or not at all, once, and only those that belong together.
#![expect(clippy::disallowed_methods, reason = "a test may look at clocks and start threads")]

mod database_support;

use std::{sync::mpsc, thread, time::Duration};

use trireme::series;
use trireme_core::{
    host::{Backend, Database as _, Scope},
    migrations::{self, Migration, Schema},
    sql::Statement,
};
use trireme_native::database::{
    Database,
    migrate::{Done, MigrateError, State},
};
use trireme_tasks::Tasks;
use trireme_testbed::{Folder, PgBouncer, PoolMode, Postgres, require};

use database_support::{config, first_int, open, until};

const ONE: Migration = Migration {
    series: "trireme",
    version: 1,
    name: "0001_one",
    sql: "CREATE TABLE one (n bigint); INSERT INTO one VALUES (1);",
};
const TWO: Migration = Migration {
    series: "trireme",
    version: 2,
    name: "0002_two",
    sql: "CREATE TABLE two (n bigint);\nINSERT INTO two SELECT n FROM one;",
};

fn versions(done: &[Done]) -> Vec<i64> {
    done.iter().map(|done| done.migration.version).collect()
}

/// An empty database of each kind.
async fn on_each(test: impl AsyncFn(&Database, &str)) {
    let folder = Folder::new().unwrap();
    for (name, path) in
        [("file", folder.path().join("file").to_str().unwrap()), ("memory", ":memory:")]
    {
        test(&open(&config(&format!("sqlite://{path}"))), name).await;
    }
    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    test(&open(&config(&home.url())), "direct").await;
    let Some(bouncer) = require(PgBouncer::start(postgres, PoolMode::Transaction, 1)) else {
        return;
    };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    test(&open(&config(&bouncer.url(home.name()))), "pooler").await;
}

async fn query(database: &Database, sql: &'static str) -> Result<i64, String> {
    let statement = Statement::read(sql, vec![]);
    first_int(database, Scope::Service, statement).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn this_builds_migrations_are_applied_once() {
    on_each(async |database, name| {
        let known = migrations::all(series::<Tasks>(), database.backend());
        let migrator = database.migrator(series::<Tasks>());
        let pending = migrator.status().await.unwrap();
        assert_eq!(pending.len(), known.len(), "{name}");
        assert!(pending.iter().all(|status| status.state == State::Pending), "{name}");

        let mut told = Vec::new();
        let done = migrator.migrate(None, |done| told.push(done.migration.version)).await.unwrap();
        assert_eq!(versions(&done), told, "{name}");
        assert_eq!(told.len(), known.len(), "{name}");
        assert!(migrator.migrate(None, |_| ()).await.unwrap().is_empty(), "{name}");

        for status in migrator.status().await.unwrap() {
            let State::Applied { at } = status.state else { panic!("{name}: {status:?}") };
            assert!(at.rfc3339().starts_with("20"), "{name}: {}", &*at.rfc3339());
        }
        let counted =
            first_int(database, Scope::Service, database.applied(Schema::of(series::<Tasks>())))
                .await;
        assert_eq!(counted.unwrap(), known.len() as i64, "{name}: what /health asks");
    })
    .await;
}

#[tokio::test]
async fn it_stops_where_it_is_told_and_goes_on_from_there() {
    on_each(async |database, name| {
        let migrator = database.migrator(series::<Tasks>()).with(vec![ONE, TWO]);
        assert_eq!(versions(&migrator.migrate(Some(1), |_| ()).await.unwrap()), [1], "{name}");
        assert_eq!(migrator.pending(None).await.unwrap()[0].version, 2, "{name}");
        assert!(
            query(database, "SELECT n FROM two").await.is_err(),
            "{name}: to look changes nothing"
        );
        assert_eq!(versions(&migrator.migrate(None, |_| ()).await.unwrap()), [2], "{name}");
        let backwards = migrator.migrate(Some(1), |_| ()).await.unwrap_err();
        assert_eq!(backwards, MigrateError::Backwards { to: 1, current: 2 }, "{name}");
        let beyond = migrator.migrate(Some(3), |_| ()).await.unwrap_err();
        assert_eq!(beyond, MigrateError::NoSuchVersion { to: 3, newest: 2 }, "{name}");
    })
    .await;
}

#[tokio::test]
async fn one_that_fails_leaves_nothing() {
    on_each(async |database, name| {
        let broken = Migration {
            sql: "CREATE TABLE two (n bigint);\nINSERT INTO two VALUES (1);\nINSERT INTO nowhere VALUES (1);",
            ..TWO
        };
        let migrator = database.migrator(series::<Tasks>()).with(vec![ONE, broken]);
        let error = migrator.migrate(None, |_| ()).await.unwrap_err();
        let MigrateError::Failed { name: failed, cause } = &error else { panic!("{name}: {error}") };
        assert_eq!(failed, "0002_two", "{name}");
        assert!(cause.contains("nowhere"), "{name}: {cause}");
        if database.backend() == Backend::Postgres {
            assert!(cause.contains("(line 3)"), "{name}: {cause}");
        }
        assert_eq!(query(database, "SELECT n FROM one").await, Ok(1), "{name}: the one before stays");
        assert!(query(database, "SELECT count(*) FROM two").await.is_err(), "{name}");
        assert_eq!(query(database, "SELECT max(version) FROM schema_migrations").await, Ok(1), "{name}");

        // Mended, it goes through.
        let migrator = database.migrator(series::<Tasks>()).with(vec![ONE, TWO]);
        assert_eq!(versions(&migrator.migrate(None, |_| ()).await.unwrap()), [2], "{name}");
        assert_eq!(query(database, "SELECT n FROM two").await, Ok(1), "{name}");
    })
    .await;
}

#[tokio::test]
async fn what_does_not_belong_together_is_refused() {
    on_each(async |database, name| {
        database
            .migrator(series::<Tasks>())
            .with(vec![ONE, TWO])
            .migrate(None, |_| ())
            .await
            .unwrap();

        let edited = Migration { sql: "CREATE TABLE two (n text)", ..TWO };
        let migrator = database.migrator(series::<Tasks>()).with(vec![ONE, edited]);
        let error = migrator.migrate(None, |_| ()).await.unwrap_err();
        assert_eq!(error, MigrateError::Changed { name: "0002_two".into() }, "{name}");
        assert_eq!(migrator.status().await.unwrap()[1].state, State::Changed, "{name}");

        let older = database.migrator(series::<Tasks>()).with(vec![ONE]);
        let error = older.migrate(None, |_| ()).await.unwrap_err();
        assert_eq!(
            error,
            MigrateError::Newer { series: "trireme".into(), name: "0002_two".into() },
            "{name}"
        );
        assert_eq!(older.status().await.unwrap()[1].state, State::Unknown, "{name}");

        // Line ends are not contents.
        let windows = Migration {
            sql: "CREATE TABLE two (n bigint);\r\nINSERT INTO two SELECT n FROM one;",
            ..TWO
        };
        assert!(
            database
                .migrator(series::<Tasks>())
                .with(vec![ONE, windows])
                .migrate(None, |_| ())
                .await
                .unwrap()
                .is_empty()
        );
    })
    .await;
}

/// Instances that start at the same moment, as processes: each with connections of its own.
fn all_at_once(url: &str) -> Vec<i64> {
    let slow = if url.starts_with("sqlite") {
        "CREATE TABLE slow (n bigint);"
    } else {
        "CREATE TABLE slow (n bigint); SELECT pg_sleep(0.5);"
    };
    let known =
        vec![ONE, Migration { series: "trireme", version: 2, name: "0002_slow", sql: slow }];
    let (tell, told) = mpsc::channel();
    let threads: Vec<_> = (0..6)
        .map(|_| {
            let (url, known, tell) = (url.to_owned(), known.clone(), tell.clone());
            thread::spawn(move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let database = open(&config(&url));
                    let done = database
                        .migrator(series::<Tasks>())
                        .with(known)
                        .migrate(None, |_| ())
                        .await
                        .unwrap();
                    tell.send(versions(&done)).unwrap();
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    drop(tell);
    let mut all: Vec<_> = told.iter().flatten().collect();
    all.sort_unstable();
    all
}

#[test]
fn several_at_once_migrate_once() {
    let folder = Folder::new().unwrap();
    assert_eq!(all_at_once(&format!("sqlite://{}", folder.path().join("file").display())), [1, 2]);
    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    assert_eq!(all_at_once(&home.url()), [1, 2]);
    let Some(bouncer) = require(PgBouncer::start(postgres, PoolMode::Transaction, 2)) else {
        return;
    };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    assert_eq!(all_at_once(&bouncer.url(home.name())), [1, 2]);
}

/// A role belongs to the whole cluster, and so do the rows that say who is a member of it.
#[test]
fn databases_of_one_cluster_may_be_migrated_at_once() {
    let Some(postgres) = require(Postgres::start()) else { return };
    let homes: Vec<_> =
        (0..12).map(|_| trireme_testbed::Database::create(&postgres).unwrap()).collect();
    // First each wants to make the role; then it is there, and each wants to be a member.
    for (round, homes) in homes.chunks(6).enumerate() {
        if round == 1 {
            homes[0].run_as_superuser("REVOKE trireme_user FROM trireme_owner").unwrap();
        }
        let migrate = |url: String| {
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
        let threads: Vec<_> = homes
            .iter()
            .map(trireme_testbed::Database::url)
            .map(|url| thread::spawn(move || migrate(url)))
            .collect();
        for thread in threads {
            assert_eq!(
                thread.join().unwrap(),
                Ok(migrations::all(series::<Tasks>(), Backend::Postgres).len()),
                "{round}"
            );
        }
    }
}

#[tokio::test]
async fn a_wait_for_a_lock_ends() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    let database = open(&config(&home.url()));
    database.migrator(series::<Tasks>()).with(vec![ONE]).migrate(None, |_| ()).await.unwrap();
    let alter = Migration {
        series: "trireme",
        version: 2,
        name: "0002_alter",
        sql: "ALTER TABLE one ADD COLUMN m bigint",
    };
    let migrator = database.migrator(series::<Tasks>()).with(vec![ONE, alter]);

    let url = home.url();
    let mut reader = std::process::Command::new("psql")
        .args(["-X", &url, "-c", "BEGIN; SELECT n, pg_sleep(8) FROM one"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let reading = "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'one'::regclass";
    until(|| home.run(reading).unwrap() == "t");
    let impatient =
        database.migrator(series::<Tasks>()).with(vec![ONE, alter]).patience(Duration::ZERO);
    let error = impatient.migrate(None, |_| ()).await.unwrap_err();
    assert!(matches!(&error, MigrateError::Locked { name, .. } if name == "0002_alter"), "{error}");
    // With patience it is done when the reader is.
    assert_eq!(versions(&migrator.migrate(None, |_| ()).await.unwrap()), [2]);
    reader.wait().unwrap();
}

/// A process that is killed half way takes its transaction with it.
#[tokio::test]
async fn one_that_is_interrupted_leaves_nothing_and_no_lock() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    let database = open(&config(&home.url()));
    let slow = Migration { sql: "CREATE TABLE two (n bigint); SELECT pg_sleep(30)", ..TWO };
    let interrupted = async {
        let migrator = database.migrator(series::<Tasks>()).with(vec![ONE, slow]);
        migrator.migrate(None, |_| ()).await.unwrap_err()
    };
    let kill = async {
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND query LIKE '%pg_sleep(30)' AND pid <> pg_backend_pid()";
        while home.run(end).unwrap() == "0" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (error, ()) = tokio::join!(interrupted, kill);
    assert!(
        matches!(&error, MigrateError::Interrupted { name, .. } if name == "0002_two"),
        "{error}"
    );
    let migrator = database.migrator(series::<Tasks>()).with(vec![ONE, TWO]);
    assert_eq!(versions(&migrator.migrate(None, |_| ()).await.unwrap()), [2]);
}

#[tokio::test]
async fn a_database_that_is_away_is_said_to_be() {
    let database = open(&config("postgres://nobody@127.0.0.1:1/nothing"));
    for error in [
        database.migrator(series::<Tasks>()).status().await.map(drop).unwrap_err(),
        database.migrator(series::<Tasks>()).migrate(None, |_| ()).await.map(drop).unwrap_err(),
    ] {
        assert!(
            matches!(&error, MigrateError::Unreachable(cause) if cause.contains("127.0.0.1 port 1")),
            "{error}"
        );
    }
}

/// Past the pooler, where a migration may take its time.
#[tokio::test]
async fn the_direct_way_is_taken_where_there_is_one() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    let mut config = config("postgres://nobody@127.0.0.1:1/nothing");
    config.direct_url = Some(home.url().parse().unwrap());
    let database = open(&config);
    assert_eq!(
        versions(
            &database
                .migrator(series::<Tasks>())
                .with(vec![ONE])
                .migrate(None, |_| ())
                .await
                .unwrap()
        ),
        [1]
    );
}

/// SQLite makes a table anew where PostgreSQL alters it; references may hang in the air
/// meanwhile, and not after.
#[tokio::test]
async fn sqlite_may_make_a_table_anew_and_keeps_its_references() {
    const START: &str = "
        CREATE TABLE parent (id INTEGER PRIMARY KEY); INSERT INTO parent VALUES (1);
        CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent ON DELETE CASCADE);
        INSERT INTO child VALUES (1, 1);";
    const ANEW: &str = "
        CREATE TABLE parent_new (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO parent_new (id) SELECT id FROM parent;
        DROP TABLE parent; ALTER TABLE parent_new RENAME TO parent;";
    const BREAKING: &str = "DELETE FROM parent;";
    let start = Migration { sql: START, ..ONE };
    for (sql, fine) in [(ANEW, true), (BREAKING, false)] {
        let database = open(&config("sqlite://:memory:"));
        let result = database
            .migrator(series::<Tasks>())
            .with(vec![start, Migration { sql, ..TWO }])
            .migrate(None, |_| ())
            .await;
        assert_eq!(result.is_ok(), fine, "{result:?}");
        assert_eq!(
            query(&database, "SELECT count(*) FROM child").await,
            Ok(1),
            "nothing was deleted along"
        );
        assert_eq!(query(&database, "SELECT count(*) FROM parent").await, Ok(1));
        let dangling = Statement::write("-- dangling\nINSERT INTO child VALUES (2, 9)", vec![]);
        assert!(
            database.batch(Scope::Service, &[dangling]).await.is_err(),
            "references are looked at again"
        );
    }
}
