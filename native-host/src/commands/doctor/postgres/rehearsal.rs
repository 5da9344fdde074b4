//! What serving does, done once and taken back: it finds what nobody thought of asking.

use tokio_postgres::{Client, Error as PgError};
use trireme_core::postgres::{BEGIN, explain};

use super::one;
use crate::commands::doctor::report::Report;

const CHECK: &str = "rehearsal";

/// An account is made, entered as a request does, and read; nothing of it is kept.
const REHEARSAL: &str = "
    INSERT INTO users (id, email, created_at, updated_at, version)
      VALUES ('00000000-0000-7000-8000-00000000d0c7', 'rehearsal@doctor.invalid', now(), now(), 1);
    SELECT enter_user('00000000-0000-7000-8000-00000000d0c7', NULL)";

pub async fn rehearse(client: &Client, report: &mut Report) -> Result<(), PgError> {
    // Before its last migration there is nothing to rehearse, and a standby has said so already.
    let sql = "SELECT to_regprocedure('trireme_role()') IS NOT NULL AND current_setting('transaction_read_only') = 'off'";
    if !one(client, sql).await?.try_get::<_, bool>(0)? {
        return Ok(());
    }
    match perform(client).await {
        Ok(1) => {
            report.ok(CHECK, "An account was made, entered and read, and taken back.");
        }
        Ok(rows) => report.problem(
            CHECK,
            format!("A user who should see one account sees {rows}."),
            "Look at the policies of the table users (\\d users in psql) and restore a backup of the schema.",
        ),
        Err(error) if error.as_db_error().is_some() => report.problem(
            CHECK,
            format!("What a request does failed: {}.", explain(&error)),
            remedy(error.code().map_or("", |code| code.code())),
        ),
        Err(error) => return Err(error),
    }
    client.batch_execute("ROLLBACK").await
}

async fn perform(client: &Client) -> Result<i64, PgError> {
    client.batch_execute(BEGIN).await?;
    client.batch_execute(REHEARSAL).await?;
    let tables = "SELECT string_agg(format('SELECT FROM %I LIMIT 1', tablename), '; ')
                  FROM (SELECT DISTINCT tablename FROM pg_policies
                        WHERE schemaname = current_schema() AND policyname ~ '^own(_|$)'
                        AND cmd IN ('ALL', 'SELECT')) own";
    let read: Option<String> = one(client, tables).await?.try_get(0)?;
    client.batch_execute(&read.unwrap_or_default()).await?;
    one(client, "SELECT count(*) FROM users").await?.try_get(0)
}

fn remedy(code: &str) -> &'static str {
    match code {
        "42501" => {
            "Look at the rights of the role that it names, and at row_security (it has to be on): SELECT settle_trireme_role(); grants what is missing."
        }
        "42P01" | "42883" | "42703" => "Part of the schema is missing: restore a backup of it.",
        "TR401" => {
            "A trigger or a rule keeps rows from the table users: look at it by \\d users in psql."
        }
        "55P03" | "57014" => {
            "Somebody holds a lock, or lock_timeout or statement_timeout of the role is very short."
        }
        "53100" => "The server's disk is full.",
        _ => "The server's log says more.",
    }
}
