//! PgBouncer in front of PostgreSQL.

use trireme_testbed::{Database, PgBouncer, PoolMode, Postgres, require};

#[test]
fn passes_statements_on_and_survives_a_restart() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let Some(mut bouncer) = require(PgBouncer::start(postgres, PoolMode::Transaction, 5)) else {
        return;
    };
    let database = Database::create(postgres).unwrap();
    assert_eq!(bouncer.run(database.name(), "SELECT current_user").unwrap(), "trireme_owner");
    bouncer.stop().unwrap();
    assert!(bouncer.run(database.name(), "SELECT 1").is_err());
    bouncer.start_again().unwrap();
    assert_eq!(bouncer.run(database.name(), "SELECT 1").unwrap(), "1");
}

#[test]
fn refuses_a_wrong_password() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let Some(bouncer) = require(PgBouncer::start(postgres, PoolMode::Transaction, 5)) else {
        return;
    };
    let url = format!("postgres://trireme_owner:wrong@127.0.0.1:{}/postgres", bouncer.port());
    let output =
        std::process::Command::new("psql").args(["-X", &url, "-c", "SELECT 1"]).output().unwrap();
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("authentication failed"),
        "{output:?}"
    );
}
