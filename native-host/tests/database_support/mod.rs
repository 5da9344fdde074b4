//! What the database's tests share: databases of every kind, and a user in them.
#![expect(dead_code, reason = "each test file uses a part")]

use std::time::Duration;

use trireme::series;
use trireme_core::{
    Timestamp, Uuid,
    config::{self, DatabaseUrl},
    host::{Backend, Database as _, Scope},
    migrations::{self, Migration},
    sql::{DatabaseError, Statement, Value},
};
use trireme_native::database::Database;
use trireme_tasks::Tasks;
use trireme_testbed::{Folder, PgBouncer, PoolMode, Postgres, require};

pub const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_123);

/// A table with a column of each kind of value.
const SAMPLES: [(Backend, &str); 2] = [
    (
        Backend::Postgres,
        "CREATE TABLE samples (id uuid PRIMARY KEY, flag boolean, number bigint, words text, moment timestamptz,
           fraction double precision, bytes bytea, day date, document jsonb, kept json);
         DO $$ BEGIN EXECUTE format('GRANT SELECT, INSERT ON samples TO %I', trireme_role()); END $$",
    ),
    (
        Backend::Sqlite,
        "CREATE TABLE samples (id TEXT PRIMARY KEY, flag INTEGER, number INTEGER, words TEXT, moment ANY,
           fraction REAL, bytes BLOB, day TEXT, document TEXT, kept TEXT) STRICT",
    ),
];

pub fn config(url: &str) -> config::Database {
    config::Database {
        url: match url.strip_prefix("sqlite://") {
            Some(path) => DatabaseUrl::Sqlite(path.to_owned()),
            None => DatabaseUrl::Postgres(url.parse().unwrap()),
        },
        direct_url: None,
        pool_min: 0,
        pool_max: 4,
        acquire_timeout: Duration::from_secs(2),
        statement_timeout: Duration::from_secs(10),
        migrate_on_start: true,
    }
}

pub fn open(config: &config::Database) -> Database {
    Database::open(config).unwrap()
}

/// This build's migrations and the table of samples.
pub fn with_samples(backend: Backend) -> Vec<Migration> {
    let sql = SAMPLES.iter().find(|(of, _)| *of == backend).unwrap().1;
    let more = Migration { series: "tasks", version: 1000, name: "1000_samples", sql };
    migrations::all(series::<Tasks>(), backend).into_iter().chain([more]).collect()
}

pub async fn migrate(database: &Database) {
    let known = with_samples(database.backend());
    database.migrator(series::<Tasks>()).with(known).migrate(None, |_| ()).await.unwrap();
}

/// Runs `test` on an SQLite file, in memory, on PostgreSQL, and on PostgreSQL behind a
/// transaction pooler with a single connection to the server.
pub async fn on_each(test: impl AsyncFn(&Database, &str)) {
    let folder = Folder::new().unwrap();
    let file = folder.path().join("with/folders/trireme.sqlite3");
    for (name, path) in [("file", file.to_str().unwrap()), ("memory", ":memory:")] {
        let database = open(&config(&format!("sqlite://{path}")));
        migrate(&database).await;
        test(&database, name).await;
    }

    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    let database = open(&config(&home.url()));
    migrate(&database).await;
    test(&database, "direct").await;

    let Some(bouncer) = require(PgBouncer::start(postgres, PoolMode::Transaction, 1)) else {
        return;
    };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    let database = open(&config(&bouncer.url(home.name())));
    migrate(&database).await;
    test(&database, "pooler").await;
}

/// A migrated database on the server that tests share, as `adjust` wants it.
pub async fn on_postgres(
    adjust: impl FnOnce(&mut config::Database),
) -> Option<(Database, trireme_testbed::Database)> {
    let postgres = require(Postgres::shared())?;
    let home = trireme_testbed::Database::create(postgres).unwrap();
    let mut config = config(&home.url());
    adjust(&mut config);
    let database = open(&config);
    migrate(&database).await;
    Some((database, home))
}

/// An account with a session.
#[derive(Clone, Copy)]
pub struct User {
    pub id: Uuid,
    pub session: Uuid,
}

impl User {
    pub fn scope(self) -> Scope {
        Scope::User { user: self.id, session: Some(self.session) }
    }

    pub async fn create(database: &Database, number: u128) -> Self {
        let user = Self { id: Uuid::from_u128(number), session: Uuid::from_u128(number + 1000) };
        let statements =
            [create_user(user.id, format!("{number}@example.com")), user.create_session()];
        database.batch(Scope::Service, &statements).await.unwrap();
        user
    }

    pub fn create_session(self) -> Statement<'static> {
        Statement::write(
            "-- create_session
             INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at) VALUES ($1, $2, $3, $3, $4)",
            vec![self.session.into(), self.id.into(), NOW.into(), Timestamp::MAX.into()],
        )
    }
}

pub fn create_user<'a>(id: Uuid, email: impl Into<Value<'a>>) -> Statement<'a> {
    Statement::write(
        "-- create_user
         INSERT INTO users (id, email, created_at, updated_at, version) VALUES ($1, $2, $3, $3, 1)",
        vec![id.into(), email.into(), NOW.into()],
    )
}

pub fn create_context<'a>(id: Uuid, user: Uuid, name: impl Into<Value<'a>>) -> Statement<'a> {
    Statement::write(
        "-- create_context
         INSERT INTO contexts (id, user_id, name, created_at, updated_at, version) VALUES ($1, $2, $3, $4, $4, 1)",
        vec![id.into(), user.into(), name.into(), NOW.into()],
    )
}

pub fn count(table: &str) -> Statement<'static> {
    Statement::read(format!("-- count\nSELECT count(*) FROM {table}"), vec![])
}

pub async fn counted(database: &Database, scope: Scope, table: &str) -> i64 {
    first_int(database, scope, count(table)).await.unwrap()
}

pub async fn first_int(
    database: &Database,
    scope: Scope,
    statement: Statement<'_>,
) -> Result<i64, DatabaseError> {
    use trireme_core::sql::Row as _;
    let rows = database.batch(scope, &[statement]).await?;
    Ok(rows[0][0].get(0).unwrap())
}

/// Asks again and again, for ten seconds at most.
#[track_caller]
pub fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..200 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("it never came true");
}
