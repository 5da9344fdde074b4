use std::{process::Command, thread::sleep, time::Duration};

use trireme_testbed::{Folder, Postgres, Server, Signal, require};

use crate::{client::Client, connect, free_port, metrics::parse, options, server};

/// Attempts that stopped counting long ago.
fn backlog(many: u32, long_ago: &str) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many})
         INSERT INTO rate_limits (key, used, resets_at) SELECT 'old ' || i, 1, {long_ago} FROM n"
    )
}

fn trireme(arguments: &[&str], url: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trireme"));
    let output = command.args(arguments).env_clear().env("DATABASE_URL", url).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A migrated SQLite file with a backlog.
fn file(folder: &Folder, many: u32) -> (String, rusqlite::Connection) {
    let path = folder.path().join("trireme.sqlite3");
    let url = format!("sqlite://{}", path.display());
    trireme(&["migrate"], &url);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(&backlog(many, "1000")).unwrap();
    (url, connection)
}

fn sample(port: u16, name: &str) -> f64 {
    let answer = Client::new(([127, 0, 0, 1], port).into()).get("/metrics");
    parse(&answer.body)[&format!("{name}{{step=\"attempts\"}}")]
}

#[track_caller]
fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        sleep(Duration::from_millis(50));
    }
    panic!("it never came true");
}

/// The server works it off while it serves, and the metrics tell.
fn is_worked_off(url: &str, many: u32) -> Server {
    let port = free_port();
    let server = server(options().env("DATABASE_URL", url).env("ADMIN_PORT", port.to_string()));
    until(|| sample(port, "maintenance_due") > 0.0);
    assert!(sample(port, "maintenance_rows_total") == 0.0, "the backlog is told before it is gone");
    until(|| {
        assert_eq!(connect(&server).get("/health").status, 200, "it serves meanwhile");
        sample(port, "maintenance_rows_total") >= f64::from(many)
    });
    assert!(sample(port, "maintenance_failures_total") == 0.0);
    assert!(sample(port, "maintenance_last_run_timestamp_seconds") > 1e9);
    server
}

#[test]
fn a_backlog_is_worked_off_while_serving() {
    let folder = Folder::new().unwrap();
    let (url, connection) = file(&folder, 60_000);
    let _server = is_worked_off(&url, 60_000);
    let left = "SELECT count(*) FROM rate_limits WHERE key LIKE 'old %'";
    assert_eq!(connection.query_row(left, [], |row| row.get::<_, i64>(0)), Ok(0));

    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    trireme(&["migrate"], &home.url());
    home.run(&backlog(60_000, "timestamptz '2020-01-01'")).unwrap();
    let _server = is_worked_off(&home.url(), 60_000);
    assert_eq!(home.run(left).unwrap(), "0");
}

/// Another program's SQLite may be older than ours, and has to know what the schema asks of it.
#[test]
fn an_older_sqlite_can_write_what_is_maintained() {
    let folder = Folder::new().unwrap();
    let (_, connection) = file(&folder, 1);
    let newer = "SELECT count(*) FROM sqlite_schema
                 WHERE sql LIKE '%octet_length%' OR sql LIKE '%concat%' OR sql LIKE '%if(%'";
    assert_eq!(connection.query_row(newer, [], |row| row.get::<_, i64>(0)), Ok(0));
}

#[test]
fn a_drain_does_not_wait_for_maintenance() {
    let folder = Folder::new().unwrap();
    let (url, _connection) = file(&folder, 400_000);
    let port = free_port();
    let mut server =
        server(options().env("DATABASE_URL", &url).env("ADMIN_PORT", port.to_string()));
    until(|| sample(port, "maintenance_due") > 0.0);
    server.signal(Signal::TERM).unwrap();
    assert_eq!(server.wait_exit(Duration::from_secs(10)).unwrap().code(), Some(0));
    assert!(server.log().contains("stopped"), "{}", server.log());
}

#[test]
fn the_command_does_it_for_cron() {
    let folder = Folder::new().unwrap();
    let (url, connection) = file(&folder, 2_500);
    let attempts = |arguments: &[&str]| {
        let all: serde_json::Value = serde_json::from_str(&trireme(arguments, &url)).unwrap();
        let mut steps = all["steps"].as_array().unwrap().iter();
        let step = steps.find(|step| step["step"] == "attempts").unwrap();
        (step["due"].as_i64().unwrap(), step["rows"].as_i64().unwrap(), step["outcome"].clone())
    };
    assert_eq!(attempts(&["maintain", "--once", "--json"]), (2_500, 1_000, "unfinished".into()));
    assert_eq!(attempts(&["maintain", "--json"]), (1_500, 1_500, "done".into()));
    let count = "SELECT count(*) FROM rate_limits";
    assert_eq!(connection.query_row(count, [], |row| row.get::<_, i64>(0)), Ok(0));
    assert!(trireme(&["maintain"], &url).contains("attempts"));
}
