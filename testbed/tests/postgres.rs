//! PostgreSQL, its databases, and what their owner may and may not do.
#![expect(
    clippy::disallowed_methods,
    reason = "a test of tools for tests may look at clocks and processes"
)]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use trireme_testbed::{Database, Mode, Postgres, require};

#[test]
fn each_test_has_a_database_of_its_own() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let [one, two] = [(); 2].map(|()| Database::create(postgres).unwrap());
    assert_ne!(one.name(), two.name());
    one.run("CREATE TABLE notes (text text); INSERT INTO notes VALUES ('here')").unwrap();
    assert_eq!(one.run("SELECT text, 1 FROM notes").unwrap(), "here|1");
    let error = two.run("SELECT text FROM notes").unwrap_err().to_string();
    assert!(error.contains("relation \"notes\" does not exist"), "{error}");
}

#[test]
fn a_database_is_gone_with_its_guard_even_while_in_use() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let database = Database::create(postgres).unwrap();
    let name = database.name().to_owned();
    let mut user = Command::new("psql")
        .args(["-X", &database.url(), "-c", "SELECT pg_sleep(60)"])
        .spawn()
        .unwrap();
    let other = Database::create(postgres).unwrap();
    let connected = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'");
    while other.run(&connected).unwrap() != "1" {}
    drop(database);
    assert_eq!(
        other.run(&format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'")).unwrap(),
        "0"
    );
    assert!(!user.wait().unwrap().success());
}

#[test]
fn a_template_is_copied_with_its_rows() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let template = Database::create(postgres).unwrap();
    template.run("CREATE TABLE notes AS SELECT generate_series(1, 3)").unwrap();
    let copy = Database::from_template(postgres, template.name()).unwrap();
    assert_eq!(copy.run("SELECT count(*) FROM notes").unwrap(), "3");
}

#[test]
fn the_owner_is_what_a_managed_provider_gives() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let database = Database::create(postgres).unwrap();
    let role = "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user";
    assert_eq!(database.run(role).unwrap(), "f|f|t|t");
    assert!(database.run_as_superuser(role).unwrap().starts_with("t|"));
}

#[test]
fn text_does_not_sort_by_bytes() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let database = Database::create(postgres).unwrap();
    assert_eq!(database.run("SELECT 'a' < 'B'").unwrap(), "t");
}

#[test]
fn stops_and_starts_with_the_same_port_and_data() {
    let Some(mut postgres) = require(Postgres::start()) else { return };
    let database = Database::create(&postgres).unwrap();
    database.run("CREATE TABLE notes (number int)").unwrap();
    for (number, mode) in [(1, Mode::Fast), (2, Mode::Immediate)] {
        database.run(&format!("INSERT INTO notes VALUES ({number})")).unwrap();
        let port = postgres.port();
        postgres.stop(mode).unwrap();
        assert!(database.run("SELECT 1").is_err(), "nobody should answer after {mode:?}");
        assert!(postgres.stop(mode).is_err(), "stopping twice is a mistake of the test");
        postgres.start_again().unwrap();
        assert_eq!(postgres.port(), port);
        assert_eq!(database.run("SELECT count(*) FROM notes").unwrap(), number.to_string());
    }
}

#[test]
fn with_tls_only_a_vouched_for_connection_gets_in() {
    let Some(postgres) = require(Postgres::with_tls()) else { return };
    let authority = postgres.authority().unwrap().display().to_string();
    let select = |parameters: &str| {
        let url = format!("{}?{parameters}", postgres.url("postgres"));
        Command::new("psql").args(["-X", "-A", "-t", &url, "-c", "SELECT 1"]).output().unwrap()
    };
    assert!(select(&format!("sslmode=verify-full&sslrootcert={authority}")).status.success());
    let plain = select("sslmode=disable");
    assert!(String::from_utf8_lossy(&plain.stderr).contains("no encryption"), "{plain:?}");
    let stranger = Postgres::with_tls().unwrap();
    let other = stranger.authority().unwrap().display().to_string();
    assert!(!select(&format!("sslmode=verify-full&sslrootcert={other}")).status.success());
}

/// A test that is killed leaves neither a server nor files behind.
#[test]
fn nothing_outlives_a_killed_process() {
    const VICTIM: &str = "TRIREME_TESTBED_VICTIM";
    if std::env::var_os(VICTIM).is_some() {
        let postgres = Postgres::start().unwrap();
        println!("{} {}", postgres.port(), postgres.socket_folder().unwrap().display());
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let Some(_) = require(Postgres::shared()) else { return };
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "nothing_outlives_a_killed_process", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(victim.stdout.take().unwrap()));
    let place = lines.find_map(|line| {
        line.unwrap().split_once(" /").map(|(port, folder)| (port.to_owned(), format!("/{folder}")))
    });
    let (port, folder) = place.unwrap();
    let port = port.rsplit(' ').next().unwrap().parse::<u16>().unwrap();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    victim.kill().unwrap();
    victim.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        || std::path::Path::new(&folder).exists()
    {
        assert!(Instant::now() < deadline, "port {port} or {folder} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}
