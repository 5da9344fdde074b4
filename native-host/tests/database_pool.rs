//! The pool when everything goes well, and when the server goes away, falls silent, or turns.
#![expect(clippy::disallowed_methods, reason = "a test may look at clocks and start threads")]

mod database_support;

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};
use trireme_core::{
    Uuid,
    host::{Database as _, Scope},
    sql::{DatabaseError, Statement},
};
use trireme_native::database::{Database, stats::Stats};
use trireme_testbed::{Mode, PgBouncer, PoolMode, Postgres, PostgresOptions, Proxy, require};

use database_support::{
    User, config, count, counted, create_context, first_int, migrate, on_postgres, open, until,
};

fn process() -> Statement<'static> {
    Statement::read("-- process\nSELECT pg_backend_pid()", vec![])
}

fn sleeping() -> Statement<'static> {
    Statement::read("-- sleep\nSELECT 1 FROM pg_sleep(0.7)", vec![])
}

async fn ask(database: &Database, statement: Statement<'_>) -> Result<i64, DatabaseError> {
    first_int(database, Scope::Service, statement).await
}

fn errors(stats: &Stats, kind: &str) -> u64 {
    stats.errors.iter().find(|(name, _)| *name == kind).unwrap().1
}

/// Waits until what has to be true is true.
async fn soon(database: &Database, what: &str, is_so: impl Fn(&Stats) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !is_so(&database.stats()) {
        assert!(Instant::now() < deadline, "{what}: {:?}", database.stats());
        sleep(Duration::from_millis(20)).await;
    }
}

/// Asks until there is an answer, and tells how long that took.
async fn answered_after(database: &Database) -> Duration {
    let begun = Instant::now();
    loop {
        match ask(database, process()).await {
            Ok(_) => return begun.elapsed(),
            Err(error) => assert!(matches!(error, DatabaseError::Unavailable(_)), "{error}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "the database is back, and not found");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn who_waits_too_long_is_told_so() {
    let patience = Duration::from_millis(300);
    let Some((database, _home)) = on_postgres(|config| {
        config.pool_max = 1;
        config.acquire_timeout = patience;
    })
    .await
    else {
        return;
    };
    let begun = Instant::now();
    let (slow, refused) = tokio::join!(ask(&database, sleeping()), async {
        sleep(Duration::from_millis(50)).await;
        let begun = Instant::now();
        let waiting = async {
            sleep(patience / 2).await;
            database.stats().waiting
        };
        let (refused, waiting) = tokio::join!(ask(&database, process()), waiting);
        assert_eq!(waiting, 1);
        (refused.err().unwrap(), begun.elapsed())
    });
    slow.unwrap();
    assert!(
        matches!(&refused.0, DatabaseError::Unavailable(cause) if cause.contains("in use")),
        "{}",
        refused.0
    );
    assert!((patience..patience * 2).contains(&refused.1), "{:?}", refused.1);
    let stats = database.stats();
    assert_eq!((stats.open, stats.max, stats.waiting), (1, 1, 0), "{stats:?}");
    assert_eq!((errors(&stats, "exhausted"), errors(&stats, "unavailable")), (1, 1), "{stats:?}");
    assert!(begun.elapsed() < Duration::from_secs(3));
    ask(&database, process()).await.unwrap();
}

/// Threads as the server has them: each with a runtime of its own, sharing the pool.
#[tokio::test]
async fn there_are_never_more_connections_than_allowed() {
    const MAX: usize = 3;
    let Some((database, home)) = on_postgres(|config| {
        config.pool_max = MAX;
        config.pool_min = 2;
        config.acquire_timeout = Duration::from_secs(10);
    })
    .await
    else {
        return;
    };
    let until = Instant::now() + Duration::from_secs(3);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let database = database.clone();
            thread::spawn(move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    database.warm();
                    let ask = async || {
                        while Instant::now() < until {
                            ask(&database, process()).await.unwrap();
                            // Now and then one goes away in the middle.
                            let _ = timeout(Duration::from_micros(300), ask(&database, process()))
                                .await;
                        }
                    };
                    futures_util::future::join_all((0..4).map(|_| ask())).await;
                    // A runtime has to live as long as others use its connections.
                    sleep(Duration::from_secs(1)).await;
                });
            })
        })
        .collect();
    let connected = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND application_name = 'trireme'",
        home.name()
    );
    while Instant::now() < until {
        let connected: usize = home.run(&connected).unwrap().parse().unwrap();
        // Those that were just closed may still be on their way out at the server.
        assert!(connected <= 2 * MAX, "{connected} connections");
        let stats = database.stats();
        assert!(stats.open <= MAX, "{stats:?}");
        sleep(Duration::from_millis(10)).await;
    }
    for thread in threads {
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn the_least_number_is_kept_open() {
    let Some((database, home)) = on_postgres(|config| config.pool_min = 3).await else { return };
    assert_eq!(database.stats().open, 0, "nothing is opened before it is needed");
    database.warm();
    soon(&database, "it opens three", |stats| (stats.open, stats.idle) == (3, 3)).await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'trireme'";
    assert_eq!(home.run(end).unwrap(), "3");
    soon(&database, "it replaces them", |stats| (stats.opened, stats.idle) == (6, 3)).await;
    ask(&database, process()).await.unwrap();
    assert_eq!(database.stats().opened, 6);
}

#[tokio::test]
async fn a_connection_that_ended_while_idle_is_not_noticed() {
    let Some((database, home)) = on_postgres(|_| ()).await else { return };
    for _ in 0..3 {
        ask(&database, process()).await.unwrap();
        home.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trireme' AND datname = current_database()").unwrap();
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(errors(&database.stats(), "unavailable"), 0);
}

/// A server that takes anybody in, refuses the first batch of each connection, and hangs up.
fn grumpy() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let message = |kind: u8, body: &[u8]| {
        [&[kind], &(body.len() as u32 + 4).to_be_bytes()[..], body].concat()
    };
    let ready = message(b'Z', b"I");
    let welcome = [message(b'R', &[0; 4]), message(b'K', &[0, 0, 0, 7, 0, 0, 0, 0]), ready.clone()];
    let columns = [&b"\0\x01pid\0"[..], &[0; 6], &[0, 0, 0, 25], &[0; 8]].concat();
    let process = message(b'D', &[0, 1, 0, 0, 0, 1, b'7']);
    let direct = [message(b'T', &columns), process, message(b'C', b"SELECT 1\0"), ready];
    let refusal = message(b'E', b"SERROR\0C23505\0Mno\0nmine\0\0");
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            // The greeting and the question for the process, each read at once as they are sent.
            for answer in [&welcome[..], &direct] {
                let _ = client.read(&mut [0; 4096]).unwrap();
                client.write_all(&answer.concat()).unwrap();
            }
            let _ = client.read(&mut [0; 4096]).unwrap();
            thread::sleep(Duration::from_millis(200));
            client.write_all(&refusal).unwrap();
        }
    });
    port
}

#[tokio::test]
async fn who_waits_is_not_given_a_connection_that_broke() {
    let mut config = config(&format!("postgres://u@127.0.0.1:{}/d?sslmode=disable", grumpy()));
    config.pool_max = 1;
    let database = open(&config);
    let both = [ask(&database, process()), ask(&database, process())];
    for refused in futures_util::future::join_all(both).await {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, DatabaseError::Constraint(_)), "{refused}");
    }
    assert_eq!(database.stats().open, 0);
}

/// Fewer connections than the pool may have: whoever finds none waits for one of the others'.
#[tokio::test]
async fn who_is_refused_another_connection_waits_for_one_that_is_there() {
    const CALLERS: usize = 40;
    let small = PostgresOptions {
        settings: vec![("max_connections".into(), "20".into())],
        ..PostgresOptions::default()
    };
    let Some(small) = require(Postgres::with(small)) else { return };
    let Some(postgres) = require(Postgres::shared()) else { return };
    let Some(session) = require(PgBouncer::start(postgres, PoolMode::Session, 5)) else { return };
    let of_server = trireme_testbed::Database::create(&small).unwrap();
    let of_database = trireme_testbed::Database::create(postgres).unwrap();
    let of_pooler = trireme_testbed::Database::create(postgres).unwrap();
    let limit = format!("ALTER DATABASE {} CONNECTION LIMIT 5", of_database.name());
    of_database.run(&limit).unwrap();
    let name = of_pooler.name();
    for (what, url) in [
        ("server", of_server.url()),
        ("database", of_database.url()),
        ("session pooler", session.url(name)),
    ] {
        let mut config = config(&url);
        (config.pool_min, config.pool_max) = (10, 100);
        config.acquire_timeout = Duration::from_secs(20);
        let database = open(&config);
        database.warm();
        let callers = (0..CALLERS).map(async |_| {
            for _ in 0..3 {
                let nap = Statement::read("-- nap\nSELECT 1 FROM pg_sleep(0.02)", vec![]);
                ask(&database, nap).await.unwrap_or_else(|error| panic!("{what}: {error}"));
            }
        });
        futures_util::future::join_all(callers).await;
        let stats = database.stats();
        assert!((1..20).contains(&stats.open), "{what}: {stats:?}");
        assert_eq!(errors(&stats, "unavailable"), 0, "{what}: {stats:?}");
    }
}

/// A role whose connections are all somebody else's: patience is worth it.
#[tokio::test]
async fn who_finds_no_room_at_all_tries_until_its_time_is_over() {
    let Some((database, home)) = on_postgres(|config| {
        config.acquire_timeout = Duration::from_secs(15);
    })
    .await
    else {
        return;
    };
    let url = home.url();
    let mut holder = std::process::Command::new("psql")
        .args(["-X", &url, "-c", "SELECT pg_sleep(4)"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let held = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()",
        home.name()
    );
    until(|| home.run_as_superuser(&held).unwrap() == "1");
    home.run_as_superuser(&format!("ALTER DATABASE {} CONNECTION LIMIT 1", home.name())).unwrap();
    ask(&database, process()).await.unwrap();
    holder.wait().unwrap();
    assert!(database.stats().refused >= 1, "{:?}", database.stats());
}

/// Each opening outlives whoever it was for, and there is one for each.
#[tokio::test]
async fn a_slow_server_is_not_waited_for_one_by_one() {
    const CALLERS: usize = 12;
    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    for (delay, latency) in [(3000, 0), (0, 500)] {
        let proxy = Proxy::before(postgres.port()).unwrap();
        proxy.delay(Duration::from_millis(delay));
        proxy.latency(Duration::from_millis(latency));
        let url =
            home.url().replace(&format!(":{}/", postgres.port()), &format!(":{}/", proxy.port));
        let mut config = config(&url);
        config.pool_max = CALLERS;
        let database = open(&config);
        let refused = (0..CALLERS).map(async |_| ask(&database, process()).await.unwrap_err());
        let begun = Instant::now();
        futures_util::future::join_all(refused).await;
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        let deadline = Instant::now() + Duration::from_secs(12);
        while database.stats().open < CALLERS {
            assert!(Instant::now() < deadline, "{:?}", database.stats());
            sleep(Duration::from_millis(20)).await;
        }
        let served = (0..CALLERS).map(async |_| ask(&database, process()).await.unwrap());
        futures_util::future::join_all(served).await;
        assert_eq!(database.stats().opened, CALLERS as u64);
    }
}

/// A request's deadline passes on a connection that fell silent: the next ones don't get others
/// that fell silent with it, as soon as a statement has had its time.
#[tokio::test]
async fn silence_that_nobody_waited_for_is_found_too() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    let proxy = Proxy::before(postgres.port()).unwrap();
    let url = home.url().replace(&format!(":{}/", postgres.port()), &format!(":{}/", proxy.port));
    let mut config = config(&url);
    config.statement_timeout = Duration::from_millis(100);
    let database = open(&config);
    let nap = || Statement::read("-- nap\nSELECT 1 FROM pg_sleep(0.05)", vec![]);
    let many = (0..3).map(async |_| ask(&database, nap()).await.unwrap());
    futures_util::future::join_all(many).await;
    assert_eq!(database.stats().idle, 3);
    proxy.freeze();
    timeout(Duration::from_millis(50), ask(&database, process())).await.unwrap_err();
    assert_eq!(database.stats().open, 3, "nobody knows yet");
    soon(&database, "they are given up", |stats| stats.open == 0).await;
    ask(&database, process()).await.unwrap();
}

/// The caller gets its refusal in time, and the next one gets the connection.
#[tokio::test]
async fn a_connection_that_opens_too_late_serves_the_next() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    let proxy = Proxy::before(postgres.port()).unwrap();
    proxy.delay(Duration::from_millis(600));
    let url = home.url().replace(&format!(":{}/", postgres.port()), &format!(":{}/", proxy.port));
    let mut config = config(&url);
    config.acquire_timeout = Duration::from_millis(200);
    let database = open(&config);
    let begun = Instant::now();
    let error = ask(&database, process()).await.err().unwrap();
    assert!(matches!(error, DatabaseError::Unavailable(_)), "{error}");
    assert!(begun.elapsed() < Duration::from_millis(400), "{:?}", begun.elapsed());
    soon(&database, "it arrives", |stats| stats.idle == 1).await;
    ask(&database, process()).await.unwrap();
    assert_eq!(database.stats().opened, 1);
}

#[tokio::test]
async fn it_finds_a_server_that_was_away() {
    let Some(mut postgres) = require(Postgres::start()) else { return };
    let home = trireme_testbed::Database::create(&postgres).unwrap();
    let mut config = config(&home.url());
    config.pool_min = 2;
    let database = open(&config);
    migrate(&database).await;
    database.warm();
    let user = User::create(&database, 1).await;
    for (id, mode) in [(10, Mode::Fast), (11, Mode::Immediate)] {
        let id = Uuid::from_u128(id);
        database
            .batch(user.scope(), &[create_context(id, user.id, format!("{mode:?}"))])
            .await
            .unwrap();
        postgres.stop(mode).unwrap();
        let begun = Instant::now();
        for _ in 0..20 {
            let error = ask(&database, process()).await.err().unwrap();
            assert!(matches!(error, DatabaseError::Unavailable(_)), "{error}");
        }
        assert!(begun.elapsed() < Duration::from_secs(2), "refused at once, not after a wait");
        postgres.start_again().unwrap();
        let away = answered_after(&database).await;
        assert!(away < Duration::from_secs(5), "{away:?}");
    }
    assert_eq!(
        counted(&database, user.scope(), "contexts").await,
        2,
        "what was acknowledged is there"
    );
}

#[tokio::test]
async fn a_batch_under_way_when_the_server_dies_tells_what_is_known() {
    let Some(mut postgres) = require(Postgres::start()) else { return };
    let home = trireme_testbed::Database::create(&postgres).unwrap();
    let database = open(&config(&home.url()));
    migrate(&database).await;
    let user = User::create(&database, 1).await;
    let write = [create_context(user.id, user.id, "perhaps"), sleeping()];
    let read = [sleeping()];
    let stopping = async {
        sleep(Duration::from_millis(300)).await;
        tokio::task::spawn_blocking(move || {
            postgres.stop(Mode::Immediate).unwrap();
            postgres
        })
        .await
        .unwrap()
    };
    let (wrote, read, mut postgres) = tokio::join!(
        database.batch(user.scope(), &write),
        database.batch(user.scope(), &read),
        stopping
    );
    // The server may have found the time for a last word, which says that nothing happened.
    let wrote = wrote.err().unwrap();
    assert!(
        matches!(wrote, DatabaseError::OutcomeUnknown(_) | DatabaseError::Unavailable(_)),
        "{wrote}"
    );
    let read = read.err().unwrap();
    assert!(matches!(read, DatabaseError::Unavailable(_)), "{read}");
    postgres.start_again().unwrap();
    answered_after(&database).await;
    assert_eq!(counted(&database, user.scope(), "contexts").await, 0);
}

#[tokio::test]
async fn a_server_that_turned_read_only_is_left() {
    let Some(postgres) = require(Postgres::start()) else { return };
    let home = trireme_testbed::Database::create(&postgres).unwrap();
    let database = open(&config(&home.url()));
    migrate(&database).await;
    let user = User::create(&database, 1).await;
    let two = [ask(&database, sleeping()), ask(&database, sleeping())];
    futures_util::future::join_all(two).await;
    assert_eq!(database.stats().idle, 2);

    let turn = async |on: &str| {
        home.run_as_superuser(&format!("ALTER SYSTEM SET default_transaction_read_only = {on}"))
            .unwrap();
        home.run_as_superuser("SELECT pg_reload_conf()").unwrap();
        sleep(Duration::from_millis(300)).await;
    };
    turn("on").await;
    let write = || [create_context(Uuid::from_u128(9), user.id, "kept")];
    let error = database.batch(user.scope(), &write()).await.err().unwrap();
    assert!(
        matches!(&error, DatabaseError::Unavailable(cause) if cause.starts_with("25006")),
        "{error}"
    );
    assert_eq!(database.stats().open, 0, "the other one was opened to the same server");
    assert_eq!(counted(&database, user.scope(), "contexts").await, 0, "it still reads");
    turn("off").await;
    database.batch(user.scope(), &write()).await.unwrap();
}

/// A firewall that forgot the connections, a server whose power went: no error ever comes.
#[tokio::test]
async fn silence_ends_and_takes_the_other_connections_with_it() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    let proxy = Proxy::before(postgres.port()).unwrap();
    let url = home.url().replace(&format!(":{}/", postgres.port()), &format!(":{}/", proxy.port));
    let mut config = config(&url);
    config.statement_timeout = Duration::from_millis(1500);
    config.acquire_timeout = Duration::from_secs(5);
    let database = open(&config);
    migrate(&database).await;
    let user = User::create(&database, 1).await;
    for write in [false, true] {
        let many = (0..3).map(async |_| ask(&database, sleeping()).await.unwrap());
        futures_util::future::join_all(many).await;
        assert_eq!(database.stats().idle, 3);
        proxy.freeze();
        let begun = Instant::now();
        let batch = if write {
            vec![create_context(user.id, user.id, "?")]
        } else {
            vec![count("contexts")]
        };
        let error = database.batch(user.scope(), &batch).await.err().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        match error {
            DatabaseError::TimedOut(_) if !write => {}
            DatabaseError::OutcomeUnknown(_) if write => {}
            other => panic!("{other}"),
        }
        assert_eq!(database.stats().open, 0, "{:?}", database.stats());
        let begun = Instant::now();
        database.batch(user.scope(), &[count("contexts")]).await.unwrap();
        // Behind another silent connection it would be three seconds more.
        assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    }
}

/// Whoever gave up left a statement running; nobody is made to wait behind it.
#[tokio::test]
async fn an_abandoned_batch_is_nobodys_queue() {
    let Some((database, _home)) = on_postgres(|config| config.pool_max = 2).await else { return };
    let user = User::create(&database, 1).await;
    let batch = [create_context(user.id, user.id, "kept"), sleeping()];
    timeout(Duration::from_millis(100), database.batch(user.scope(), &batch)).await.err().unwrap();
    let begun = Instant::now();
    assert_eq!(counted(&database, user.scope(), "contexts").await, 0);
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    assert_eq!(database.stats().idle, 1);
    soon(&database, "the other is there again", |stats| stats.idle == 2).await;
    assert_eq!(counted(&database, user.scope(), "contexts").await, 1, "what was sent was done");
}

#[tokio::test]
async fn a_pooler_may_be_restarted() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let Some(mut bouncer) = require(PgBouncer::start(postgres, PoolMode::Transaction, 1)) else {
        return;
    };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    let database = open(&config(&bouncer.url(home.name())));
    migrate(&database).await;
    ask(&database, process()).await.unwrap();
    bouncer.stop().unwrap();
    let error = ask(&database, process()).await.err().unwrap();
    assert!(matches!(error, DatabaseError::Unavailable(_)), "{error}");
    bouncer.start_again().unwrap();
    assert!(answered_after(&database).await < Duration::from_secs(5));
}
