//! Every open is a connection of its own: transactions don't leak, but files lock.

use std::thread;
use std::time::Duration;

use crate::support::Probe;

const TABLE: &str =
    "sqlite-open default\nsqlite create table t (id integer primary key, name text)";

#[test]
fn a_transaction_ends_with_its_connection() {
    let Some(probe) = Probe::start() else { return };
    probe.run(TABLE);
    let answer = probe.run(
        "sqlite-open default\nsqlite begin\nsqlite insert into t values (1, 'a')\nsqlite select name from t",
    );
    assert!(answer[2].contains(r#"Text("a")"#), "{answer:?}");
    let after = probe.run("sqlite-open default\nsqlite select count(*) as n from t");
    assert_eq!(
        after[0],
        "columns n rows Ok([RowResult { values: [Value::Integer(0)] }]) changes 0"
    );
    let again = probe.run(
        "sqlite-open default\nsqlite begin\nsqlite insert into t values (1, 'a')\nsqlite rollback\nsqlite select * from t",
    );
    assert!(again[3].contains("rows Ok([])"), "{again:?}");
}

#[test]
fn a_writer_waits_for_the_other_and_then_fails() {
    let Some(probe) = Probe::start() else { return };
    probe.run(TABLE);
    thread::scope(|scope| {
        let holder =
            scope.spawn(|| probe.run("sqlite-open default\nsqlite begin immediate\nsleep 2000"));
        thread::sleep(Duration::from_millis(500));
        let answer = probe.run(
            "sqlite-open default\nsqlite pragma busy_timeout = 100\nsqlite insert into t values (1, 'a')",
        );
        assert!(answer[1].contains(r#"Err(Error::Io("database is locked"))"#), "{answer:?}");
        holder.join().unwrap();
    });
}

#[test]
fn errors_are_text_and_come_after_the_rows() {
    let Some(probe) = Probe::start() else { return };
    probe.run(TABLE);
    let insert = "sqlite insert into t values (1, 'a')";
    let answer = probe.run(&format!("sqlite-open default\n{insert}\n{insert}\nsqlite selec 1"));
    assert!(
        answer[1].contains(r#"Err(Error::Io("UNIQUE constraint failed: t.id"))"#),
        "{answer:?}"
    );
    assert!(answer[2].contains("syntax error in selec 1 at offset 0"), "{answer:?}");
    let denied = probe.run("sqlite-open other");
    assert!(denied[0].contains("AccessDenied"), "{denied:?}");
}

#[test]
fn a_forgotten_result_was_still_carried_out() {
    let Some(probe) = Probe::start() else { return };
    probe.run(TABLE);
    probe.run("sqlite-open default\nsqlite-forget insert into t values (1, 'a')\nsqlite select 1");
    let answer = probe.run("sqlite-open default\nsqlite select name from t");
    assert!(answer[0].contains(r#"Text("a")"#), "{answer:?}");
}
