//! A host for tests: a clock that stands still, seeded randomness, a database of its own.
#![expect(dead_code, reason = "each test file uses its part")]

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    future::Future,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use trireme::{App, Product as _, series};
use trireme_core::{
    Secret, Timestamp,
    config::{Config, Platform},
    host::{Busy, Host, HostKind, Peer, Phase},
};
use trireme_native::database::Database;
use trireme_tasks::Tasks;

/// 2026-11-20T12:00:00.000Z, when every test begins.
pub const START: Timestamp = Timestamp::from_millis(1_795_176_000_000);
pub const PASSWORD: &str = "correct horse battery";

pub struct TestHost {
    database: Database,
    now: Cell<Timestamp>,
    random: RefCell<StdRng>,
    pub phase: Cell<Phase>,
    /// How long the newest wait is, and whether waits are over at once.
    pub wait: Cell<Duration>,
    pub waits_are_over: Cell<bool>,
    /// How often long work made way for others, or went elsewhere.
    pub pauses: Cell<usize>,
    pub computed: Cell<usize>,
}

impl Host for TestHost {
    type Database = Database;

    fn kind(&self) -> HostKind {
        HostKind::Native
    }
    fn database(&self) -> &Database {
        &self.database
    }
    fn now(&self) -> Timestamp {
        self.now.get()
    }
    fn random(&self, out: &mut [u8]) {
        self.random.borrow_mut().fill_bytes(out);
    }
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        self.wait.set(duration);
        let over = self.waits_are_over.get();
        async move {
            if !over {
                tokio::time::sleep(duration).await;
            }
        }
    }
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        self.computed.set(self.computed.get() + 1);
        Ok(work())
    }
    async fn pause(&self) {
        self.pauses.set(self.pauses.get() + 1);
    }
    fn phase(&self) -> Phase {
        self.phase.get()
    }
}

/// The application on one database, and whoever calls it.
pub struct World {
    pub app: App<TestHost>,
    pub host: TestHost,
    pub address: Cell<IpAddr>,
    /// Dropped last: it removes the database.
    _database: Option<trireme_testbed::Database>,
}

/// Runs a test on SQLite in memory and on PostgreSQL, each on a database of its own.
pub fn on_every_database(test: impl AsyncFn(&World)) {
    with_variables(&[], test);
}

pub fn with_variables(variables: &[(&str, &str)], test: impl AsyncFn(&World)) {
    run(None, variables, &test);
    on_postgres(variables, test);
}

/// Where the configuration allows no other database.
pub fn on_postgres(variables: &[(&str, &str)], test: impl AsyncFn(&World)) {
    if let Some(postgres) = trireme_testbed::require(trireme_testbed::Postgres::shared()) {
        let database = trireme_testbed::Database::create(postgres).expect("a database is created");
        run(Some(database), variables, &test);
    }
}

fn run(
    database: Option<trireme_testbed::Database>,
    variables: &[(&str, &str)],
    test: &impl AsyncFn(&World),
) {
    let url = database
        .as_ref()
        .map_or_else(|| "sqlite::memory:".to_owned(), trireme_testbed::Database::url);
    let mut all: HashMap<&str, &str> = HashMap::from([
        ("DATABASE_URL", url.as_str()),
        ("JWT_SECRET", "k9dJ2mQx7vLr4TzYw8NbHc5GfPs3AeRu"),
        ("BCRYPT_COST", "4"),
        ("CORS_ORIGINS", "https://app.example.com"),
        ("RATE_LIMIT_AUTH_PER_ADDRESS", "1000/60s"),
        ("DATABASE_POOL_MIN", "0"),
        ("DATABASE_POOL_MAX", "4"),
    ]);
    all.extend(variables.iter().copied());
    let lookup = |name: &str| all.get(name).map(ToString::to_string);
    let config = Config::from_variables(
        lookup,
        &Platform { spare: Some(Secret::default()), ..Platform::default() },
        Tasks::VARIABLES,
    )
    .expect("the configuration is good");
    // The cause of a 500 is in the log alone: shown with the test that fails.
    let _ = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::ERROR)
        .with_ansi(false)
        .with_test_writer()
        .try_init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let host = TestHost {
            database: Database::open(&config.database).expect("the database opens"),
            now: Cell::new(START),
            random: RefCell::new(StdRng::seed_from_u64(7)),
            phase: Cell::new(Phase::Serving),
            wait: Cell::default(),
            waits_are_over: Cell::default(),
            pauses: Cell::default(),
            computed: Cell::default(),
        };
        host.database
            .migrator(series::<Tasks>())
            .migrate(None, |_| {})
            .await
            .expect("the schema is migrated");
        let address = Cell::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
        let world = World { app: App::new::<Tasks>(config), host, address, _database: database };
        test(&world).await;
    });
}

/// An answer, its body read as JSON where it is.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub bytes: Bytes,
    pub body: Value,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
    pub fn text(&self, pointer: &str) -> &str {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no {pointer} in {self:?}"))
    }
    /// The status, and the code of a problem.
    pub fn outcome(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
    /// The pointers and codes of an invalid input's faults.
    pub fn faults(&self) -> Vec<(&str, &str)> {
        let faults = self.body["errors"].as_array().into_iter().flatten();
        faults
            .map(|fault| (fault["pointer"].as_str().unwrap(), fault["code"].as_str().unwrap()))
            .collect()
    }
}

/// A request that is put together word by word.
pub struct Call<'w> {
    world: &'w World,
    builder: http::request::Builder,
    body: Bytes,
}

impl World {
    pub fn database(&self) -> &Database {
        &self.host.database
    }
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        let builder =
            Request::builder().method(method).uri(path).header(header::HOST, "api.example.com");
        Call { world: self, builder, body: Bytes::new() }
    }
    pub fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }
    pub fn post(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::POST, path).json(body)
    }
    pub fn patch(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::PATCH, path).json(body)
    }
    pub fn delete(&self, path: &str) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    pub fn advance(&self, duration: Duration) {
        self.host.now.set(self.host.now.get().plus(duration));
    }

    /// A new account that is signed in.
    pub async fn register(&self, name: &str) -> User {
        let body =
            json!({ "email": format!("{name}@example.com"), "password": PASSWORD, "name": name });
        let reply = self.post("/api/v1/auth/register", &body).send().await;
        assert_eq!(reply.status, 201, "{reply:?}");
        User::of(&reply)
    }
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct User {
    pub id: String,
    pub access: String,
    pub refresh: String,
}

impl User {
    pub fn of(reply: &Reply) -> Self {
        let text = |pointer| reply.text(pointer).to_owned();
        Self {
            id: text("/user/id"),
            access: text("/access_token"),
            refresh: text("/refresh_token"),
        }
    }
}

impl Call<'_> {
    pub fn by(self, user: &User) -> Self {
        self.header("authorization", &format!("Bearer {}", user.access))
    }
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }
    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }
    pub fn raw(self, media: &str, body: impl Into<Bytes>) -> Self {
        let mut call = self.header("content-type", media);
        call.body = body.into();
        call
    }
    pub async fn send(self) -> Reply {
        let mut request = self.builder.body(self.body).expect("the request is well-formed");
        let address = self.world.address.get();
        request.extensions_mut().insert(Peer { address, trusted_platform: false, https: false });
        let response: Response<Bytes> =
            trireme::dispatch(&self.world.app, &self.world.host, request).await;
        let (head, bytes) = response.into_parts();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Reply { status: head.status.as_u16(), headers: head.headers, bytes, body }
    }
}

/// Statements past the product's own, to look behind the answers.
pub async fn execute(
    world: &World,
    sql: &'static str,
    arguments: Vec<trireme_core::sql::Value<'_>>,
) {
    use trireme_core::{
        host::{Database as _, Scope},
        sql::Statement,
    };
    world.host.database.batch(Scope::Service, &[Statement::write(sql, arguments)]).await.unwrap();
}

pub async fn text(world: &World, sql: &'static str) -> String {
    use trireme_core::{
        host::{Database as _, Scope},
        sql::{Row as _, Statement},
    };
    let rows =
        world.host.database.batch(Scope::Service, &[Statement::read(sql, vec![])]).await.unwrap();
    rows[0][0].get::<&str>(0).unwrap().to_owned()
}

pub async fn count(world: &World, table: &str) -> i64 {
    use trireme_core::{
        host::{Database as _, Scope},
        sql::{Row as _, Statement},
    };
    let count = Statement::read(format!("-- count\nSELECT count(*) FROM {table}"), vec![]);
    let rows = world.host.database.batch(Scope::Service, &[count]).await.unwrap();
    rows[0][0].get(0).unwrap()
}

pub fn hash_at_cost(cost: u32) -> String {
    use trireme_core::{auth::password::NewPassword, validate::Field};
    let Ok(password) = NewPassword::read(PASSWORD.into()) else { panic!("it is a fine password") };
    password.hash(cost, [9; 16]).unwrap()
}

/// Creates a record, which has to succeed.
pub async fn create(world: &World, user: &User, path: &str, body: Value) -> Reply {
    let reply = world.post(path, &body).by(user).send().await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply
}
