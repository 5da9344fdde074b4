//! What only PostgreSQL has: row-level security, roles, prepared statements, limits.
#![expect(clippy::disallowed_methods, reason = "a test may look at clocks and start threads")]

mod database_support;

use std::time::{Duration, Instant};

use tokio::time::sleep;
use trireme_core::{
    Uuid,
    host::{Database as _, Scope},
    sql::{DatabaseError, Row as _, Statement},
};
use trireme_native::database::Database;
use trireme_testbed::{PgBouncer, PoolMode, Postgres, require};

use database_support::{
    NOW, User, config, count, counted, create_context, first_int, migrate, on_postgres, open,
};

async fn text(database: &Database, scope: Scope, sql: &'static str) -> Option<String> {
    let rows = database.batch(scope, &[Statement::read(sql, vec![])]).await.unwrap();
    rows[0][0].get::<Option<&str>>(0).unwrap().map(str::to_owned)
}

/// The second wall: a statement that forgot its `WHERE user_id = …`.
#[tokio::test]
async fn a_user_is_alone_in_the_world() {
    let Some((database, _home)) = on_postgres(|_| ()).await else { return };
    let [ada, bob] = [User::create(&database, 1).await, User::create(&database, 2).await];
    for (id, user) in [(10, ada), (11, bob)] {
        let id = Uuid::from_u128(id);
        database.batch(user.scope(), &[create_context(id, user.id, "mine")]).await.unwrap();
    }
    for table in ["users", "sessions", "contexts"] {
        assert_eq!(counted(&database, Scope::Service, table).await, 2, "{table}");
        assert_eq!(counted(&database, ada.scope(), table).await, 1, "{table}");
    }

    // Not seen, so not changed either.
    for text in [
        "-- rename\nUPDATE contexts SET name = 'taken' RETURNING user_id",
        "-- take\nUPDATE contexts SET version = 2 RETURNING user_id",
        "-- delete\nDELETE FROM contexts RETURNING user_id",
    ] {
        let rows = database.batch(ada.scope(), &[Statement::write(text, vec![])]).await.unwrap();
        let owners: Vec<_> = rows[0].iter().map(|row| row.get::<Uuid>(0).unwrap()).collect();
        assert_eq!(owners, [ada.id], "{text}");
    }
    assert_eq!(counted(&database, bob.scope(), "contexts").await, 1);

    // Nor may a record be made for, or given to, another.
    let context = Uuid::from_u128(12);
    let for_bob = create_context(context, bob.id, "planted");
    let to_bob = Statement::write("-- give\nUPDATE contexts SET user_id = $1", vec![bob.id.into()]);
    let own = create_context(context, ada.id, "own");
    for batch in [vec![for_bob], vec![own, to_bob]] {
        let error = database.batch(ada.scope(), &batch).await.err().unwrap();
        assert!(error.to_string().contains("42501"), "{error}");
    }

    // What belongs to the service is out of reach.
    for table in ["refresh_tokens", "rate_limits", "schema_migrations"] {
        let error = database.batch(ada.scope(), &[count(table)]).await.err().unwrap();
        assert!(error.to_string().contains("42501"), "{table}: {error}");
    }
}

/// The next batch on the same connection is nobody's, however the last one ended.
#[tokio::test]
async fn a_role_ends_with_its_batch() {
    let Some((database, _home)) = on_postgres(|config| config.pool_max = 1).await else { return };
    let user = User::create(&database, 1).await;
    let role = "-- role\nSELECT current_user || ' ' || coalesce(current_setting('trireme.user_id', true), '')";
    let process = "-- process\nSELECT pg_backend_pid()::text";
    let before = text(&database, Scope::Service, process).await;
    let inside = text(&database, user.scope(), role).await.unwrap();
    let entered = text(&database, Scope::Service, "-- due\nSELECT trireme_role_due()").await;
    assert_eq!(inside, format!("{} {}", entered.unwrap(), user.id));
    assert_eq!(text(&database, Scope::Service, role).await.unwrap().trim_end(), "trireme_owner");

    let failing = [
        count("contexts"),
        create_context(user.id, user.id, "a"),
        create_context(user.id, user.id, "b"),
    ];
    let error = database.batch(user.scope(), &failing).await.err().unwrap();
    assert!(matches!(error, DatabaseError::Constraint(_)), "{error}");
    assert_eq!(text(&database, Scope::Service, role).await.unwrap().trim_end(), "trireme_owner");
    assert_eq!(
        text(&database, Scope::Service, process).await,
        before,
        "it was the same connection"
    );
}

#[tokio::test]
async fn statements_are_prepared_only_without_a_pooler() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    let prepared = || {
        Statement::read(
            "-- prepared\nSELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '-- %'",
            vec![],
        )
    };
    let single = |url: &str| {
        let mut config = config(url);
        config.pool_max = 1;
        open(&config)
    };
    let direct = single(&home.url());
    migrate(&direct).await;
    let user = User::create(&direct, 1).await;
    counted(&direct, user.scope(), "contexts").await;
    let kept = first_int(&direct, Scope::Service, prepared()).await.unwrap();
    assert_eq!(kept, 4, "two of the account, the count, and this one");

    let socket = postgres.socket_folder().map(|folder| {
        let password = home.url().split(['@', ':']).nth(2).unwrap().to_owned();
        let (folder, name) = (folder.display(), home.name());
        let port = postgres.port();
        single(&format!("postgres://trireme_owner:{password}@/{name}?host={folder}&port={port}"))
    });
    if let Some(socket) = socket {
        assert_eq!(
            first_int(&socket, Scope::Service, prepared()).await.unwrap(),
            1,
            "a Unix socket is direct"
        );
    }

    for mode in [PoolMode::Transaction, PoolMode::Session] {
        let Some(bouncer) = require(PgBouncer::start(postgres, mode, 2)) else { return };
        let pooled = single(&bouncer.url(home.name()));
        counted(&pooled, user.scope(), "contexts").await;
        assert_eq!(first_int(&pooled, Scope::Service, prepared()).await.unwrap(), 0, "{mode:?}");
    }
}

/// A `NULL` has no type of its own where types are sent along.
#[tokio::test]
async fn null_fits_every_column_behind_a_pooler() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let Some(bouncer) = require(PgBouncer::start(postgres, PoolMode::Transaction, 1)) else {
        return;
    };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    let database = open(&config(&bouncer.url(home.name())));
    migrate(&database).await;
    let none = || trireme_core::sql::Value::Null;
    let insert = Statement::write(
        "-- insert\nINSERT INTO samples SELECT $1, $2, $3, $4, $5 WHERE CAST($2 AS boolean) IS NULL",
        vec![Uuid::from_u128(1).into(), none(), none(), none(), none()],
    );
    let update = Statement::write(
        "-- update\nUPDATE samples SET words = COALESCE($2, words), number = CASE WHEN $3 THEN $4 ELSE number END
         WHERE id = $1 AND (CAST($5 AS timestamptz) IS NULL OR moment < $5) RETURNING id",
        vec![Uuid::from_u128(1).into(), none(), true.into(), none(), none()],
    );
    let results = database.batch(Scope::Service, &[insert, update]).await.unwrap();
    assert_eq!(results[1].len(), 1);
}

#[tokio::test]
async fn a_statement_has_its_time_and_no_more() {
    let short = Duration::from_millis(300);
    let Some((database, _home)) = on_postgres(|config| {
        config.pool_max = 1;
        config.statement_timeout = short;
    })
    .await
    else {
        return;
    };
    let user = User::create(&database, 1).await;
    let process = || Statement::read("-- process\nSELECT pg_backend_pid()", vec![]);
    let before = first_int(&database, Scope::Service, process()).await.unwrap();
    let begun = Instant::now();
    let slow = Statement::read("-- slow\nSELECT pg_sleep(20) IS NULL", vec![]);
    let batch = [create_context(user.id, user.id, "lost"), slow];
    let error = database.batch(user.scope(), &batch).await.err().unwrap();
    assert!(
        matches!(&error, DatabaseError::TimedOut(cause) if cause.starts_with("57014")),
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(counted(&database, user.scope(), "contexts").await, 0);
    assert_eq!(
        first_int(&database, Scope::Service, process()).await.unwrap(),
        before,
        "the connection is as good as before"
    );
}

/// What a migration by another process did to a table must not stick to open connections.
#[tokio::test]
async fn a_changed_table_is_used_as_it_is_now() {
    let Some((database, home)) = on_postgres(|config| config.pool_max = 1).await else { return };
    let user = User::create(&database, 1).await;
    let batch = || {
        [
            Statement::write("-- renamed\nUPDATE samples SET words = $1", vec!["new".into()]),
            Statement::read("-- all\nSELECT * FROM samples", vec![]),
            Statement::read("-- sum\nSELECT number + $1 FROM samples", vec![1.into()]),
            Statement::read("-- twice\nSELECT twice(number) FROM samples", vec![]),
        ]
    };
    home.run("CREATE FUNCTION twice(n bigint) RETURNS bigint LANGUAGE sql RETURN 2 * n").unwrap();
    home.run("GRANT UPDATE ON samples TO PUBLIC; INSERT INTO samples VALUES ('00000000-0000-0000-0000-000000000001', true, 3, 'old')").unwrap();
    database.batch(Scope::Service, &batch()).await.unwrap();
    for change in [
        "ALTER TABLE samples ADD COLUMN more text",
        "ALTER TABLE samples ALTER flag TYPE text",
        "ALTER TABLE samples DROP COLUMN more",
        "ALTER TABLE samples ALTER number TYPE int; ALTER TABLE samples ALTER number TYPE bigint",
        "DROP FUNCTION twice; CREATE FUNCTION twice(n bigint) RETURNS text LANGUAGE sql RETURN n || ' ' || n",
        "ALTER FUNCTION twice RENAME TO once; CREATE FUNCTION twice(n bigint) RETURNS numeric LANGUAGE sql RETURN n",
        "ALTER TABLE samples RENAME TO others; CREATE TABLE samples (words varchar(9), number bigint); GRANT ALL ON samples TO PUBLIC",
    ] {
        home.run(change).unwrap();
        for scope in [Scope::Service, user.scope()] {
            let result = database.batch(scope, &batch()).await;
            assert!(result.is_ok(), "{change}: {}", result.err().unwrap());
        }
    }
    let stats = database.stats();
    assert_eq!((stats.opened, errors(&stats)), (1, 0), "on the same connection: {stats:?}");
}

fn errors(stats: &trireme_native::database::stats::Stats) -> u64 {
    stats.errors.iter().map(|(_, count)| count).sum()
}

/// Some poolers end a session's statements behind our back.
#[tokio::test]
async fn forgotten_statements_are_prepared_anew() {
    let Some((database, _home)) = on_postgres(|config| config.pool_max = 1).await else { return };
    let user = User::create(&database, 1).await;
    for number in 10..13 {
        let forget = Statement::write("-- forget\nDEALLOCATE ALL", vec![]);
        database.batch(Scope::Service, &[forget]).await.unwrap();
        let context = create_context(Uuid::from_u128(number), user.id, number.to_string());
        database.batch(user.scope(), &[context, count("contexts")]).await.unwrap();
    }
    assert_eq!(counted(&database, Scope::Service, "contexts").await, 3, "each once");
    let stats = database.stats();
    assert_eq!((stats.opened, errors(&stats)), (1, 0), "{stats:?}");
}

/// A fault that preparing anew does not mend is told once, and nothing of the batch is kept.
#[tokio::test]
async fn what_is_gone_is_said_to_be() {
    let Some((database, home)) = on_postgres(|config| config.pool_max = 1).await else { return };
    let user = User::create(&database, 1).await;
    counted(&database, Scope::Service, "samples").await;
    home.run("DROP TABLE samples").unwrap();
    let batch = [create_context(user.id, user.id, "lost"), count("samples")];
    let error = database.batch(user.scope(), &batch).await.err().unwrap();
    assert!(
        matches!(&error, DatabaseError::Undefined(cause) if cause.contains("42P01")),
        "{error}"
    );
    assert_eq!(counted(&database, Scope::Service, "contexts").await, 0);
}

/// Whatever the server, the database or the role has for a default.
#[tokio::test]
async fn the_isolation_level_is_ours() {
    for isolation in ["serializable", "repeatable read"] {
        let Some((database, home)) = on_postgres(|config| config.pool_max = 8).await else {
            return;
        };
        home.run(&format!(
            "ALTER DATABASE {0} SET default_transaction_isolation = '{isolation}';
             ALTER DATABASE {0} SET default_transaction_deferrable = on",
            home.name()
        ))
        .unwrap();
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        home.run(end).unwrap();
        let level = "-- level\nSELECT current_setting('transaction_isolation')";
        assert_eq!(text(&database, Scope::Service, level).await.unwrap(), "read committed");
        let user = User::create(&database, 1).await;
        let context = create_context(Uuid::from_u128(10), user.id, "counted");
        database.batch(user.scope(), &[context]).await.unwrap();
        let add = || Statement::write("-- add\nUPDATE contexts SET version = version + 1", vec![]);
        let all = (0..64).map(async |_| database.batch(user.scope(), &[add()]).await.map(drop));
        for result in futures_util::future::join_all(all).await {
            result.unwrap();
        }
        let version = Statement::read("-- version\nSELECT version FROM contexts", vec![]);
        assert_eq!(first_int(&database, user.scope(), version).await.unwrap(), 65);
    }
}

/// An operator's cancellation meets whatever runs at the moment: the very first of a batch, too.
#[tokio::test]
async fn a_batch_that_is_cancelled_as_it_enters_keeps_nothing() {
    let Some((database, _home)) = on_postgres(|_| ()).await else { return };
    let user = User::create(&database, 1).await;
    let lock = [
        // Whoever enters waits for this.
        Statement::write("-- lock\nALTER TABLE users ALTER name DROP DEFAULT", vec![]),
        Statement::read("-- wait\nSELECT pg_sleep(2)", vec![]),
    ];
    let context = [create_context(Uuid::from_u128(10), user.id, "never")];
    let enter = async {
        sleep(Duration::from_millis(100)).await;
        database.batch(user.scope(), &context).await
    };
    let cancel = async {
        let waiting = "-- cancel\nSELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
                       WHERE wait_event_type = 'Lock' AND query LIKE '%enter_user%'";
        let cancelled =
            async || first_int(&database, Scope::Service, Statement::read(waiting, vec![])).await;
        let begun = Instant::now();
        while cancelled().await.unwrap() == 0 {
            assert!(begun.elapsed() < Duration::from_secs(2), "nobody waits");
            sleep(Duration::from_millis(10)).await;
        }
    };
    let locked = database.batch(Scope::Service, &lock);
    let (locked, entered, ()) = futures_util::join!(locked, enter, cancel);
    locked.unwrap();
    let error = entered.err().expect("it was cancelled");
    assert!(matches!(error, DatabaseError::TimedOut(_)), "{error}");
    assert_eq!(counted(&database, Scope::Service, "contexts").await, 0);
}

/// Deleting an account reaches every table, through row-level security and all.
#[tokio::test]
async fn a_user_can_leave_without_a_trace() {
    let Some((database, _home)) = on_postgres(|_| ()).await else { return };
    let user = User::create(&database, 1).await;
    let token = Statement::write(
        "-- token\nINSERT INTO refresh_tokens (hash, session_id, created_at, expires_at) VALUES ('h', $1, $2, $2)",
        vec![user.session.into(), NOW.into()],
    );
    let context = create_context(Uuid::from_u128(3), user.id, "mine");
    database.batch(Scope::Service, &[token, context]).await.unwrap();
    let leave = Statement::write("-- leave\nDELETE FROM users WHERE id = $1", vec![user.id.into()]);
    database.batch(user.scope(), &[leave]).await.unwrap();
    for table in ["users", "sessions", "refresh_tokens", "contexts"] {
        assert_eq!(counted(&database, Scope::Service, table).await, 0, "{table}");
    }
}
