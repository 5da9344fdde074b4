//! What only PostgreSQL has: row-level security, roles, prepared statements, limits.
#![expect(clippy::disallowed_methods, reason = "a test may look at clocks and start threads")]

mod database_support;

use std::time::{Duration, Instant};

use native_host::database::Database;
use shared::{
    Uuid,
    host::{Database as _, Scope},
    sql::{DatabaseError, Row as _, Statement},
};
use testbed::{PgBouncer, PoolMode, Postgres, require};

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
    assert_eq!(inside, format!("trireme_user {}", user.id));
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
    let home = testbed::Database::create(postgres).unwrap();
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
    let home = testbed::Database::create(postgres).unwrap();
    let database = open(&config(&bouncer.url(home.name())));
    migrate(&database).await;
    let none = || shared::sql::Value::Null;
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
    let all = || Statement::read("-- all\nSELECT * FROM samples", vec![]);
    database.batch(Scope::Service, &[all()]).await.unwrap();
    home.run("ALTER TABLE samples ADD COLUMN more text").unwrap();
    let error = database.batch(Scope::Service, &[all()]).await.err().unwrap();
    assert!(error.to_string().contains("cached plan"), "{error}");
    database.batch(Scope::Service, &[all()]).await.unwrap();
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
