//! What a panic in the middle of a request does to the others: on an edge host all share one
//! program, and on Spin connections that nobody looks at.
//!
//! The cells are built with `fault-injection` for this: `X-Fault: panic` strikes on Spin in the
//! middle of the request's batch, on Workers before its handler.

use std::thread;

use serde_json::Value;
use trireme_testbed::http::{self, Answer};

use crate::Result;
use crate::cell::{Cell, Host, Running};

pub const TASKS: &str = "/api/v1/tasks";
const PANICS: &str = "X-Fault: panic\r\n";

/// Strikes several times, and looks after each that what is written stays written.
pub fn check(cell: Cell, running: &Running) -> Result<()> {
    let port = running.server.port();
    let token = register(port, "faults@example.com")?;
    for round in 0..4 {
        let struck = http::post_with(port, TASKS, &token, PANICS, &task("struck"))?;
        expect(struck.status == 500, "a panic is answered 500", &struck)?;
        if cell.host == Host::Workers {
            expect(struck.body.contains("\"code\":\"internal\""), "in our own form", &struck)?;
            beside_panics(port, &token)?;
        }
        for _ in 0..5 {
            let made = http::post(port, TASKS, &token, &task("kept"))?;
            expect(made.status == 201, "a write after a panic succeeds", &made)?;
        }
        same_name_twice(port, &token, round)?;
    }
    let list = http::get_with(port, &format!("{TASKS}?q=kept&limit=100"), &token)?;
    let kept = serde_json::from_str::<Value>(&list.body)?["items"].as_array().map_or(0, Vec::len);
    expect(kept == 20, "all writes that were confirmed are there", &list)?;
    if let Some(database) = running.database() {
        // Another connection sees them: none is in a transaction that was left open.
        let seen = database.run("SELECT count(*) FROM tasks WHERE title = 'kept'")?;
        let open = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
        let open = database.run_as_superuser(open)?;
        if (seen.trim(), open.trim()) != ("20", "0") {
            return Err(format!("{seen} tasks are committed, {open} transactions are open").into());
        }
    }
    Ok(())
}

/// A batch that fails half way leaves nothing behind, and nothing open.
fn same_name_twice(port: u16, token: &str, round: usize) -> Result<()> {
    let context = format!("{{\"name\":\"context {round}\"}}");
    for status in [201, 409, 409] {
        let answer = http::post(port, "/api/v1/contexts", token, &context)?;
        expect(answer.status == status, "a name is taken once", &answer)?;
    }
    Ok(())
}

/// Requests at the same time as panics are answered as always.
fn beside_panics(port: u16, token: &str) -> Result<()> {
    let answers = thread::scope(|scope| {
        let panics: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| http::post_with(port, TASKS, token, PANICS, &task("struck"))))
            .collect();
        let others: Vec<_> =
            (0..6).map(|_| scope.spawn(|| http::get_with(port, TASKS, token))).collect();
        for panic in panics {
            let _ = panic.join();
        }
        others.into_iter().map(|other| other.join().expect("a client")).collect::<Vec<_>>()
    });
    answers.into_iter().try_for_each(|answer| {
        let answer = answer?;
        expect(answer.status == 200, "a request beside panics is answered", &answer)
    })
}

pub fn register(port: u16, email: &str) -> Result<String> {
    let body = format!(r#"{{"email":"{email}","password":"a long enough passphrase"}}"#);
    let answer = http::post(port, "/api/v1/auth/register", "", &body)?;
    expect(answer.status == 201, "an account is made", &answer)?;
    let token = serde_json::from_str::<Value>(&answer.body)?["access_token"].take();
    token.as_str().map(str::to_owned).ok_or_else(|| "there is no access token".into())
}

pub fn task(title: &str) -> String {
    format!("{{\"title\":\"{title}\"}}")
}

pub fn expect(held: bool, promise: &str, answer: &Answer) -> Result<()> {
    if held {
        return Ok(());
    }
    Err(format!("not kept: {promise}; the answer was {} {}", answer.status, answer.body).into())
}
