//! What is left of a deleted account goes in pieces: the first with the request that deletes it,
//! which for most accounts is the last, the others with maintenance. A table that is not among the
//! product's goes with the row of the user, by its foreign key and in one go.

use trireme_core::{Uuid, sql::Statement};

use crate::auth::sweep::sessions_of;

/// A piece: a thousand rows of each table at most. A table waits until those before it are empty,
/// since what refers to a row would go or change with it, however many.
pub fn piece(tables: &[&str], user: Uuid) -> Vec<Statement<'static>> {
    let mut statements = vec![rows("idempotency_keys", "key", &[], user)];
    statements.extend(sessions_of(user));
    let mut emptied = Vec::new();
    for table in tables {
        let (table, key) = table.split_once('.').unwrap_or((table, "id"));
        statements.push(rows(table, key, &emptied, user));
        emptied.push(table);
    }
    emptied.extend(["idempotency_keys", "sessions"]);
    statements.push(row(user, &emptied));
    statements
}

fn rows(table: &str, key: &str, emptied: &[&str], user: Uuid) -> Statement<'static> {
    let condition = nothing_in(emptied);
    Statement::write(
        format!(
            "-- remove_{table}
             DELETE FROM {table} WHERE user_id = $1 AND {key} IN (
                 SELECT {key} FROM {table} WHERE user_id = $1 LIMIT 1000
             ){condition} RETURNING 1 AS gone"
        ),
        vec![user.into()],
    )
}

/// The row itself, when a deleted account has nothing else left.
fn row(user: Uuid, emptied: &[&str]) -> Statement<'static> {
    let condition = nothing_in(emptied);
    Statement::write(
        format!(
            "-- remove_user
             DELETE FROM users WHERE id = $1 AND deleted_at IS NOT NULL{condition}
             RETURNING 1 AS gone"
        ),
        vec![user.into()],
    )
}

fn nothing_in(tables: &[&str]) -> String {
    let condition = |table| format!("\nAND NOT EXISTS (SELECT 1 FROM {table} WHERE user_id = $1)");
    tables.iter().map(condition).collect()
}
