use trireme_testbed::{Database, PgBouncer, PoolMode, Postgres, Server, ServerOptions};
use trireme_verify::{Report, transcript};

use super::{ORIGIN, options};

fn verify(options: ServerOptions, production: bool) -> Report {
    let options = options.env("LOG_FORMAT", "json");
    let server = Server::start(options).unwrap_or_else(|error| panic!("{error}"));
    let mut options = trireme_verify::Options::new(&server.url()).unwrap();
    options.origin_allowed = Some(ORIGIN.to_owned());
    options.expect_production = Some(production);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report =
        runtime.block_on(trireme_verify::run(options, trireme_tasks_checks::CHECKS, |_| {}));
    let log = server.log();
    let errors: Vec<_> = log.lines().filter(|line| line.contains("ERROR")).collect();
    assert!(report.passed(), "{}\n{}", report.to_table(false), errors.join("\n"));
    // The one that is meant to be refused: a run that used its address's quota up would have to
    // wait for the next minute.
    assert_eq!(log.matches(r#""status":429"#).count(), 1, "the suite fits into the default limits");
    report
}

#[test]
fn both_databases_give_the_same_answers() {
    let on_sqlite = verify(options("sqlite://contract.sqlite3"), false);
    let Some(postgres) = trireme_testbed::require(Postgres::shared()) else { return };
    let database = Database::create(postgres).unwrap();
    let on_postgres = verify(options(&database.url()), false);

    let differences = transcript::diff(on_sqlite.transcript(), on_postgres.transcript());
    assert!(differences.is_empty(), "SQLite and PostgreSQL differ:\n{}", differences.join("\n"));
    assert!(on_sqlite.transcript().exchanges.len() > 100, "something was compared");
    assert_core_needs_no_product(&on_sqlite);
}

/// The core's checks are made of a product without contexts and tasks too; the deletion of an
/// account alone looks what resources there are.
fn assert_core_needs_no_product(report: &Report) {
    let anywhere = trireme_verify::Options::new("http://localhost").unwrap();
    let core = trireme_verify::list(&anywhere, &[]).into_iter().map(|name| name.to_string());
    let core: Vec<_> = core.filter(|name| name != "account/deletion").collect();
    for exchange in &report.transcript().exchanges {
        let of_product = ["/api/v1/contexts", "/api/v1/tasks"];
        let is_of_product = of_product.iter().any(|path| exchange.path.starts_with(path));
        assert!(!is_of_product || !core.contains(&exchange.check), "{exchange:?}");
    }
}

#[test]
fn a_transaction_pooler_makes_no_difference() {
    let Some(postgres) = trireme_testbed::require(Postgres::shared()) else { return };
    let database = Database::create(postgres).unwrap();
    let Some(bouncer) =
        trireme_testbed::require(PgBouncer::start(postgres, PoolMode::Transaction, 2))
    else {
        return;
    };
    let direct = options(&bouncer.url(database.name())).env("DIRECT_DATABASE_URL", database.url());
    verify(direct, false);
}

#[test]
fn production_keeps_the_contract_with_signing_keys() {
    let Some(postgres) = trireme_testbed::require(Postgres::shared()) else { return };
    let database = Database::create(postgres).unwrap();
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let production = options(&database.url())
        .env("ENVIRONMENT", "production")
        .env("JWT_SECRET", "")
        .env("JWT_PRIVATE_KEY", key)
        .env("BCRYPT_COST", "10")
        .env("DATABASE_POOL_MIN", "2")
        .env("DATABASE_POOL_MAX", "8");
    verify(production, true);
}
