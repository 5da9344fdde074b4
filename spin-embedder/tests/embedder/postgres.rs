//! Types, errors, and what a connection carries from one request to the next.

use crate::support::Probe;

fn table(probe: &Probe) {
    let sql = "create table t (id int8 primary key, name text)";
    assert_eq!(probe.run(&format!("open\nexecute {sql}")), ["changed 0"]);
}

fn count(probe: &Probe) -> String {
    probe.database.run("select count(*) from t").unwrap().trim().to_owned()
}

#[test]
fn an_open_transaction_leaks_into_the_next_request() {
    let Some(probe) = Probe::start() else { return };
    table(&probe);
    probe.run("open\nexecute begin\nexecute insert into t values (1, 'a')");
    assert_eq!(count(&probe), "0", "nothing is committed");
    let seen = probe.run("open\nquery select count(*) from t");
    assert_eq!(seen[1], "row [DbValue::Int64(1)]", "but the next request is in that transaction");
    probe.run("open\nexecute insert into t values (2, 'b')");
    assert_eq!(count(&probe), "0", "and its own writes are, too");
    probe.run("open\nexecute rollback");
    assert_eq!(probe.run("open\nquery select count(*) from t")[1], "row [DbValue::Int64(0)]");
}

#[test]
fn a_panic_leaves_its_transaction_open() {
    let Some(probe) = Probe::start() else { return };
    table(&probe);
    let answer =
        probe.post("open\nexecute begin\nexecute insert into t values (1, 'a')\npanic now");
    assert_eq!(answer.status, 500);
    // The instance goes, and with it gives back its connection, a moment after the answer.
    let seen = probe.run("sleep 300\nopen\nquery select name from t");
    assert_eq!(seen[1], r#"row [DbValue::Str("a")]"#);
    assert_eq!(count(&probe), "0");
}

#[test]
fn a_failed_transaction_and_settings_do_not_leak() {
    let Some(probe) = Probe::start() else { return };
    let backend = "query select pg_backend_pid()";
    let first = probe.run(&format!("open\n{backend}\nexecute set lock_timeout = 7"));
    let second = probe.run(&format!("open\n{backend}\nquery show lock_timeout"));
    assert_eq!(first[1], second[1], "the same connection");
    assert_eq!(second[3], r#"row [DbValue::Str("0")]"#);
    probe.run("open\nexecute begin\nexecute select 1/0");
    let third = probe.run(&format!("open\n{backend}"));
    assert_ne!(first[1], third[1], "recycling failed, so it was closed");
}

#[test]
fn what_reads_as_what() {
    let Some(probe) = Probe::start() else { return };
    probe.run("open\nexecute create type mood as enum ('glad')");
    for (expression, expected) in [
        ("1::int4", "row [DbValue::Int32(1)]"),
        ("null::int4", "row [DbValue::DbNull]"),
        ("1.50::numeric", r#"row [DbValue::Decimal("1.50")]"#),
        ("'glad'::mood::text", r#"row [DbValue::Str("glad")]"#),
        ("'glad'::mood", "row [DbValue::Unsupported([103, 108, 97, 100])]"),
        ("'1'::json", "row [DbValue::Unsupported([49])]"),
        ("'[1]'::jsonb", "row [DbValue::Jsonb([91, 49, 93])]"),
        ("array['a',null]", r#"row [DbValue::ArrayStr([Some("a"), None])]"#),
        (
            "'1 day'::interval",
            "row [DbValue::Interval(Interval { micros: 0, days: 1, months: 0 })]",
        ),
        ("timestamp '2026-01-02 03:04:05'", "row [DbValue::Datetime((2026, 1, 2, 3, 4, 5, 0))]"),
        (
            "timestamptz '2026-01-02 03:04:05Z' at time zone 'UTC'",
            "row [DbValue::Datetime((2026, 1, 2, 3, 4, 5, 0))]",
        ),
    ] {
        let answer = probe.run(&format!("open\nquery select {expression}"));
        assert_eq!(answer[1], expected, "{expression}");
    }
    let failed = probe.run("open\nquery select now() as n");
    assert_eq!(failed[0], "columns n DbDataType::Datetime");
    assert!(
        failed[1].starts_with("at the end: failed: error deserializing column 0"),
        "{failed:?}"
    );
}

#[test]
fn what_fits_which_parameter() {
    let Some(probe) = Probe::start() else { return };
    let uuid = "00000000-0000-0000-0000-000000000001";
    for (kind, parameter, fits) in [
        ("uuid", format!("uuid:{uuid}"), true),
        ("uuid", format!("str:{uuid}"), false),
        ("uuid", "uuid:x".to_owned(), false),
        ("int8", "i64:1".to_owned(), true),
        ("int8", "i32:1".to_owned(), false),
        ("int4", "i64:1".to_owned(), false),
        ("timestamptz", "timestamp:1".to_owned(), true),
        ("timestamp", "timestamp:1".to_owned(), false),
        ("timestamptz", "str:2026-01-01".to_owned(), false),
        ("jsonb", "jsonb:{}".to_owned(), true),
        ("jsonb", "str:{}".to_owned(), false),
        ("timestamptz", "null".to_owned(), true),
    ] {
        let answer = probe.run(&format!("open\nexecute select $1::{kind} | {parameter}"));
        assert_eq!(answer[0] == "changed 1", fits, "{parameter} for {kind}: {answer:?}");
    }
}

#[test]
fn an_empty_result_has_no_columns() {
    let Some(probe) = Probe::start() else { return };
    assert_eq!(probe.run("open\nquery select 1 as a where false"), ["columns "]);
}

#[test]
fn errors_of_the_server_have_their_parts() {
    let Some(probe) = Probe::start() else { return };
    table(&probe);
    let insert = "insert into t values (1, 'a')";
    let answer = probe
        .run(&format!("open\nexecute {insert}\nexecute {insert}\nquery {insert} returning id"));
    let duplicate = "23505 duplicate key value violates unique constraint \"t_pkey\" t_pkey";
    assert_eq!(answer[1], duplicate);
    // While a query starts nobody looks at its outcome; that comes after the rows.
    assert_eq!(answer[2..], ["columns ".to_owned(), format!("at the end: {duplicate}")]);
    assert!(probe.run("open\nexecute select 1; select 2")[0].starts_with("42601"));
    assert!(probe.run("open\nquery select nothing")[0].starts_with("42703"));
}

#[test]
fn addresses_that_are_not_allowed() {
    let Some(probe) = Probe::start() else { return };
    let answer = probe.run("open postgres://localhost:1/a");
    assert!(answer[0].contains("address postgres://localhost:1 is not permitted"), "{answer:?}");
}
