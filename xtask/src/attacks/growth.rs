//! What grows without bound, and what takes unbounded work to remove.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use trireme_testbed::http;

use super::{Attack, Ground, Target, expect, text_of};
use crate::{Result, ui};

pub const ALL: &[Attack] = &[
    Attack {
        name: "an account with 20,000 tasks is deleted",
        bound: "204 within 5 s, gone at once, every row gone within 60 s",
        run: large_account,
    },
    Attack {
        name: "a context with 20,000 tasks is deleted",
        bound: "204 within 5 s, no task is in it from then on",
        run: large_context,
    },
    Attack {
        name: "50,000 attempts that stopped counting",
        bound: "gone within 60 s, without any sign-in",
        run: attempts,
    },
];

const TASKS: &str = "INSERT INTO tasks (id, user_id, context_id, title, title_folded, status, priority, created_at, updated_at, version)
    SELECT gen_random_uuid(), u.id, c.id, 'x', 'x', 'todo', 'low', u.created_at, u.created_at, 1
    FROM users u LEFT JOIN contexts c ON c.user_id = u.id, generate_series(1, 20000)";

fn run(target: &Target, sql: &str) -> Result<String> {
    let database = target.database.as_ref().ok_or("the target has no database")?;
    Ok(database.run(sql)?)
}

/// Has maintenance done, and waits until the query gives 0: where the server is at it in this very
/// moment, the command leaves it to the server. How long that took.
fn until_none(ground: &Ground, target: &Target, sql: &str) -> Result<f64> {
    let begun = Instant::now();
    let database = target.database.as_ref().ok_or("the target has no database")?;
    let mut command = Command::new(ground.trireme());
    ui::quietly(command.arg("maintain").env_clear().env("DATABASE_URL", database.url()))?;
    while run(target, sql)? != "0" {
        let took = begun.elapsed();
        expect(took < Duration::from_secs(60), || format!("after {took:?} still not 0: {sql}"))?;
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(begun.elapsed().as_secs_f64())
}

fn large_account(ground: &Ground) -> Result<String> {
    let target = ground.on_postgres(&[])?;
    let token = target.register("ada@example.com")?;
    run(&target, TASKS)?;
    let begun = Instant::now();
    let body = r#"{"password":"correct horse battery"}"#;
    let answer = http::delete(target.port(), "/api/v1/users/me", &token, body)?;
    let took = begun.elapsed();
    expect(answer.status == 204, || format!("deleting gave {answer:?}"))?;
    expect(took < Duration::from_secs(5), || format!("deleting took {took:?}"))?;
    let me = http::get_with(target.port(), "/api/v1/users/me", &token)?;
    expect(me.status == 401, || format!("the deleted account was answered {me:?}"))?;
    target.register("ada@example.com")?;
    let swept = until_none(ground, &target, "SELECT count(*) FROM tasks")?;
    until_none(ground, &target, "SELECT count(*) FROM users WHERE deleted_at IS NOT NULL")?;
    Ok(format!("204 in {:.2} s, empty after {swept:.1} s", took.as_secs_f64()))
}

fn large_context(ground: &Ground) -> Result<String> {
    let target = ground.on_postgres(&[])?;
    let token = target.register("ada@example.com")?;
    let made = http::post(target.port(), "/api/v1/contexts", &token, r#"{"name":"Home"}"#)?;
    let place = format!("/api/v1/contexts/{}", text_of(&made, "id")?);
    run(&target, TASKS)?;
    let begun = Instant::now();
    let answer = http::delete(target.port(), &place, &token, "")?;
    let took = begun.elapsed();
    expect(answer.status == 204, || format!("deleting gave {answer:?}"))?;
    expect(took < Duration::from_secs(5), || format!("deleting took {took:?}"))?;
    let list = http::get_with(target.port(), "/api/v1/tasks?limit=100&sort=updated_at", &token)?;
    let list: serde_json::Value = serde_json::from_str(&list.body)?;
    let still =
        list["items"].as_array().into_iter().flatten().any(|it| !it["context_id"].is_null());
    expect(!still, || "a task is still in the deleted context".to_owned())?;
    let swept =
        until_none(ground, &target, "SELECT count(*) FROM tasks WHERE context_id IS NOT NULL")?;
    Ok(format!("204 in {:.2} s, swept after {swept:.1} s", took.as_secs_f64()))
}

fn attempts(ground: &Ground) -> Result<String> {
    let target = ground.on_postgres(&[])?;
    run(
        &target,
        "INSERT INTO rate_limits (key, used, resets_at)
         SELECT 'old ' || i, 1, timestamptz '2020-01-01' FROM generate_series(1, 50000) AS i",
    )?;
    let swept = until_none(ground, &target, "SELECT count(*) FROM rate_limits")?;
    Ok(format!("gone after {swept:.1} s"))
}
