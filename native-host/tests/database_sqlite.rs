//! What only SQLite has: one writer, a file that others may use as well, threads.
#![expect(clippy::disallowed_methods, reason = "a test may look at clocks and start threads")]

mod database_support;

use std::{
    collections::BTreeMap,
    fs::Permissions,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use trireme_core::{
    Uuid,
    host::{Database as _, Scope},
    sql::{DatabaseError, Statement},
};
use trireme_native::database::{Database, OpenError};
use trireme_testbed::Folder;

use database_support::{User, config, count, counted, create_context, first_int, migrate, open};

/// A migrated file with a user, and what keeps it there.
async fn file(
    adjust: impl FnOnce(&mut trireme_core::config::Database),
) -> (Database, User, Folder) {
    let folder = Folder::new().unwrap();
    let mut config = config(&format!("sqlite://{}", folder.path().join("file").display()));
    migrate(&open(&config)).await;
    adjust(&mut config);
    let database = open(&config);
    let user = User::create(&database, 1).await;
    (database, user, folder)
}

/// Counts to a number that takes a while: about a second for ten million in a debug build.
fn counting(to: i64) -> Statement<'static> {
    Statement::write(
        "-- counting
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
         SELECT count(*) FROM n",
        vec![to.into()],
    )
}

const FOR_EVER: i64 = i64::MAX;

fn is_unavailable(error: &DatabaseError) -> bool {
    matches!(error, DatabaseError::Unavailable(_))
}

#[tokio::test]
async fn reading_does_not_wait_for_writing() {
    let (database, user, _folder) =
        file(|config| config.statement_timeout = Duration::from_millis(1500)).await;
    let begun = Instant::now();
    let writing = [counting(FOR_EVER)];
    let reading = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        for _ in 0..20 {
            assert_eq!(counted(&database, user.scope(), "users").await, 1);
        }
        begun.elapsed()
    };
    let (wrote, read) = tokio::join!(database.batch(user.scope(), &writing), reading);
    assert!(matches!(wrote, Err(DatabaseError::TimedOut(_))));
    assert!(read < Duration::from_secs(1), "{read:?}");
}

#[tokio::test]
async fn a_statement_has_its_time_and_no_more() {
    let (database, user, _folder) =
        file(|config| config.statement_timeout = Duration::from_millis(200)).await;
    let begun = Instant::now();
    let batch = [create_context(user.id, user.id, "lost"), counting(FOR_EVER)];
    let error = database.batch(user.scope(), &batch).await.err().unwrap();
    assert!(matches!(error, DatabaseError::TimedOut(_)), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(counted(&database, user.scope(), "contexts").await, 0);
    database.batch(user.scope(), &batch[..1]).await.unwrap();
}

#[tokio::test]
async fn who_waits_too_long_is_told_so_and_nothing_is_done() {
    let (database, user, _folder) = file(|config| {
        config.acquire_timeout = Duration::from_millis(200);
        config.statement_timeout = Duration::from_millis(1500);
    })
    .await;
    let busy = [counting(FOR_EVER)];
    let refused = [create_context(user.id, user.id, "refused")];
    let (_, refusal) = tokio::join!(database.batch(user.scope(), &busy), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let begun = Instant::now();
        let error = database.batch(user.scope(), &refused).await.err().unwrap();
        (error, begun.elapsed())
    });
    assert!(is_unavailable(&refusal.0), "{}", refusal.0);
    assert!(refusal.1 < Duration::from_millis(600), "{:?}", refusal.1);
    assert_eq!(counted(&database, user.scope(), "contexts").await, 0);
    let exhausted = database.stats().errors[0];
    assert_eq!(exhausted, ("exhausted", 1));
}

/// The request's deadline passed while its batch was still waiting.
#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_begun() {
    let (database, user, _folder) =
        file(|config| config.statement_timeout = Duration::from_millis(800)).await;
    let busy = [counting(FOR_EVER)];
    let abandoned = [create_context(user.id, user.id, "abandoned")];
    let (_, left) = tokio::join!(database.batch(user.scope(), &busy), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let batch = database.batch(user.scope(), &abandoned);
        tokio::time::timeout(Duration::from_millis(100), batch).await.is_err()
    });
    assert!(left);
    let another = [create_context(Uuid::from_u128(5), user.id, "another")];
    database.batch(user.scope(), &another).await.unwrap();
    assert_eq!(counted(&database, user.scope(), "contexts").await, 1);
}

#[tokio::test]
async fn another_process_may_hold_the_file_for_a_while() {
    let patience = Duration::from_millis(300);
    let (database, user, folder) = file(|config| config.acquire_timeout = patience).await;
    let other = rusqlite::Connection::open(folder.path().join("file")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let batch = [create_context(user.id, user.id, "mine")];
    let begun = Instant::now();
    let error = database.batch(user.scope(), &batch).await.err().unwrap();
    assert!(is_unavailable(&error), "{error}");
    assert!(begun.elapsed() < patience * 4, "{:?}", begun.elapsed());
    assert_eq!(counted(&database, user.scope(), "contexts").await, 0, "reading goes on");
    other.execute_batch("COMMIT").unwrap();
    database.batch(user.scope(), &batch).await.unwrap();
}

/// Each batch reads before it writes, and another process may have written in between.
#[tokio::test]
async fn two_processes_do_not_refuse_each_other() {
    let (one, user, folder) = file(|_| ()).await;
    let two = open(&config(&format!("sqlite://{}", folder.path().join("file").display())));
    let write = async |database: &Database, from: u128| {
        for id in from..from + 50 {
            let context = create_context(Uuid::from_u128(id), user.id, id.to_string());
            let batch = [count("contexts"), counting(20_000), context];
            database.batch(user.scope(), &batch).await.unwrap();
        }
    };
    tokio::join!(write(&one, 1000), write(&two, 2000));
    assert_eq!(counted(&one, user.scope(), "contexts").await, 100);
}

/// A statement that says it reads goes where nothing can be written.
#[tokio::test]
async fn a_read_that_writes_is_refused() {
    let (database, user, _folder) = file(|_| ()).await;
    let lie = Statement::read("-- lie\nDELETE FROM users RETURNING 1", vec![]);
    let error = first_int(&database, user.scope(), lie).await.unwrap_err();
    assert!(error.to_string().contains("readonly"), "{error}");
    assert_eq!(counted(&database, Scope::Service, "users").await, 1);
}

#[tokio::test]
async fn the_file_is_left_alone_and_whole() {
    let (database, _user, folder) = file(|_| ()).await;
    drop(database);
    let left: Vec<_> =
        folder.path().read_dir().unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["file"], "no log is left beside it");
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let folder = Folder::new().unwrap();
    let noise = folder.path().join("noise");
    std::fs::write(&noise, "no database ".repeat(500)).unwrap();
    let below = noise.join("below");
    for (path, cause) in [
        (noise.clone(), "not a database"),
        (below, "folder can't be made"),
        (folder.path().to_owned(), "unable to open"),
    ] {
        let path = path.display().to_string();
        let error = Database::open(&config(&format!("sqlite://{path}"))).err().unwrap();
        assert!(matches!(error, OpenError::File(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&path) && text.contains(cause), "{text}");
    }
}

/// The mode of each file in a folder, by name.
fn modes(folder: &Path) -> BTreeMap<String, u32> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mode = |entry: std::fs::DirEntry| {
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        (entry.file_name().into_string().unwrap(), mode)
    };
    entries.map(mode).collect()
}

#[tokio::test]
async fn files_are_their_owners_alone() {
    let folder = Folder::new().unwrap();
    let path = folder.path().join("new/folder/data");
    let settings = config(&format!("sqlite://{}", path.display()));
    let database = open(&settings);
    migrate(&database).await;
    let expected: BTreeMap<_, _> =
        ["data", "data-shm", "data-wal"].map(|name| (name.to_owned(), 0o600)).into_iter().collect();
    assert_eq!(modes(&folder.path().join("new/folder")), expected);
    assert_eq!(modes(&folder.path().join("new"))["folder"], 0o700);
    assert_eq!(modes(folder.path())["new"], 0o700);

    // Those of an earlier version, or of a restored copy.
    for name in expected.keys() {
        let file = folder.path().join("new/folder").join(name);
        std::fs::set_permissions(file, Permissions::from_mode(0o666)).unwrap();
    }
    let again = open(&settings);
    assert_eq!(modes(&folder.path().join("new/folder")), expected);
    drop((database, again));

    let target = folder.path().join("target");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    drop(open(&config(&format!("sqlite://{}", link.display()))));
    assert_eq!(modes(folder.path())["target"], 0o600);
}
