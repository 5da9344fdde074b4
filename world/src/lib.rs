//! A product in a test: requests in, responses out, without a server. The clock stands still,
//! randomness is seeded, and each database is the test's own.
//!
//! ```no_run
//! use serde_json::json;
//! use trireme_tasks::Tasks;
//! use trireme_world::on_every_database;
//!
//! on_every_database::<Tasks>(async |world| {
//!     let ada = world.register("ada").await;
//!     let made = world.post("/api/v1/tasks", &json!({ "title": "Row" })).by(&ada).send().await;
//!     assert_eq!(made.status, 201);
//!     assert_eq!(made.text("/status"), "todo");
//! });
//! ```

mod call;
mod host;
mod look;

use std::{
    cell::Cell,
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
};

use trireme::{App, Product, admin::unnamed_tables, series};
use trireme_core::{
    Secret, Timestamp,
    config::{Config, Platform},
};
use trireme_native::database::Database;

pub use self::{
    call::{Call, Reply, User, create},
    host::TestHost,
    look::{count, execute, hash_at_cost, text},
};

/// 2026-11-20T12:00:00.000Z, when every test begins.
pub const START: Timestamp = Timestamp::from_millis(1_795_176_000_000);
pub const PASSWORD: &str = "correct horse battery";

/// The application on one database, and whoever calls it.
pub struct World {
    pub app: App<TestHost>,
    pub host: TestHost,
    pub address: Cell<IpAddr>,
    /// Dropped last: it removes the database.
    _database: Option<trireme_testbed::Database>,
}

/// Runs a test on SQLite in memory and on PostgreSQL, each on a database of its own.
pub fn on_every_database<P: Product>(test: impl AsyncFn(&World)) {
    with_variables::<P>(&[], test);
}

/// The same with some of the contract's variables, or the product's.
pub fn with_variables<P: Product>(variables: &[(&str, &str)], test: impl AsyncFn(&World)) {
    run::<P>(None, variables, &test);
    on_postgres::<P>(variables, test);
}

/// Where the configuration allows no other database.
pub fn on_postgres<P: Product>(variables: &[(&str, &str)], test: impl AsyncFn(&World)) {
    if let Some(postgres) = trireme_testbed::require(trireme_testbed::Postgres::shared()) {
        let database = trireme_testbed::Database::create(postgres).expect("a database is created");
        run::<P>(Some(database), variables, &test);
    }
}

fn run<P: Product>(
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
        P::VARIABLES,
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
        let opened = Database::open(&config.database).expect("the database opens");
        let migrator = opened.migrator(series::<P>());
        migrator.migrate(None, |_| {}).await.expect("the schema is migrated");
        let unnamed = unnamed_tables(&opened, P::TABLES).await.expect("the tables are listed");
        assert!(unnamed.is_empty(), "not among the product's TABLES: {unnamed:?}");
        let host = TestHost::new(opened);
        let address = Cell::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
        let world = World { app: App::new::<P>(config), host, address, _database: database };
        test(&world).await;
    });
}
