//! What the scenarios need in a database before they measure.

use serde_json::{Value, json};
use trireme_testbed::{Database, Server, http};

use crate::Result;

pub const EMAIL: &str = "bench@example.com";
pub const PASSWORD: &str = "a long enough passphrase";

/// A signed-in user.
pub struct Account {
    pub user: String,
    pub token: String,
}

pub fn register(server: &Server) -> Result<Account> {
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let answer = post(server, "/api/v1/auth/register", "", &body)?;
    Ok(Account { user: text(&answer, "/user/id")?, token: text(&answer, "/access_token")? })
}

/// The id of the one session that the account has.
pub fn session(server: &Server, account: &Account) -> Result<String> {
    let answer = http::get_with(server.port(), "/api/v1/users/me/sessions", &account.token)?;
    text(&serde_json::from_str(&answer.body)?, "/items/0/id")
}

/// Gives the task's id.
pub fn create_task(server: &Server, account: &Account) -> Result<String> {
    let body = json!({
        "title": "Order the new sails",
        "description": "Three of them, before the spring; ask the harbour master first.",
        "priority": "high",
        "due_at": "2026-12-24T12:00:00.000Z",
    });
    text(&post(server, "/api/v1/tasks", &account.token, &body)?, "/id")
}

/// Adds tasks past the API, which would take an hour for a million.
pub fn seed_tasks(database: &Database, account: &Account, rows: u32) -> Result<()> {
    eprintln!("seeding {rows} tasks");
    database.run(&format!(
        "INSERT INTO tasks (id, user_id, title, status, priority, created_at, updated_at, version, title_folded)
         SELECT gen_random_uuid(), '{user}', 'Task ' || n,
           (ARRAY['todo', 'in_progress', 'done'])[1 + n % 3], (ARRAY['low', 'medium', 'high'])[1 + n % 3],
           moment, moment, 1, 'task ' || n
         FROM generate_series(1, {rows}) n, LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 second') m (moment)",
        user = account.user
    ))?;
    database.run("VACUUM ANALYZE tasks")?;
    // Now, and not while something is measured.
    database.run_as_superuser("CHECKPOINT")?;
    Ok(())
}

/// Gives what was created.
pub fn post(server: &Server, path: &str, token: &str, body: &Value) -> Result<Value> {
    let answer = http::post(server.port(), path, token, &body.to_string())?;
    if answer.status == 201 {
        return Ok(serde_json::from_str(&answer.body)?);
    }
    Err(format!(
        "POST {path} was answered {} {}; the server wrote:\n{}",
        answer.status,
        answer.body,
        server.log()
    )
    .into())
}

fn text(answer: &Value, pointer: &str) -> Result<String> {
    let found = answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| format!("the answer has no {pointer}: {answer}").into())
}
