//! What is left of a deleted account goes in pieces: the first with the request that deletes it,
//! which for most accounts is the last, the others with maintenance. A table that is not among the
//! product's goes with the row of the user, by its foreign key and in one go.

use trireme_core::{
    Uuid,
    host::{Backend, Database, Scope},
    sql::{DatabaseError, Row as _, Statement},
};

use crate::{auth::sweep::sessions_of, product};

/// The core's own tables with a `user_id`.
const OWN: [&str; 3] = ["idempotency_keys", "outbox", "sessions"];

/// A piece: a thousand rows of each table at most. A table waits until those before it are empty,
/// since what refers to a row would go or change with it, however many.
pub fn piece(tables: &[&str], user: Uuid) -> Vec<Statement<'static>> {
    let mut statements =
        vec![rows("idempotency_keys", "key", &[], user), rows("outbox", "id", &[], user)];
    statements.extend(sessions_of(user));
    let mut emptied = Vec::new();
    for table in tables {
        let (table, key) = product::table(table);
        statements.push(rows(table, key, &emptied, user));
        emptied.push(table);
    }
    emptied.extend(OWN);
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

/// The tables with a `user_id` that neither the product nor the core names: theirs would go with
/// the row of the user, however many rows that are.
pub async fn unnamed<D: Database>(
    database: &D,
    tables: &[&str],
) -> Result<Vec<String>, DatabaseError> {
    let text = match database.backend() {
        Backend::Postgres => {
            "-- list_tables_of_users
             SELECT CAST(relname AS text) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
             WHERE attname = 'user_id' AND NOT attisdropped AND relkind IN ('r', 'p')
             AND relnamespace = CAST(quote_ident(current_schema()) AS regnamespace) ORDER BY relname"
        }
        Backend::Sqlite => {
            "-- list_tables_of_users
             SELECT tables.name FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns
             WHERE tables.type = 'table' AND columns.name = 'user_id' ORDER BY tables.name"
        }
    };
    let rows = database.batch(Scope::Service, &[Statement::read(text, vec![])]).await?;
    let named = |found: &str| {
        let product = tables.iter().map(|table| product::table(table).0);
        OWN.into_iter().chain(product).any(|table| table == found)
    };
    let mut unnamed = Vec::new();
    for row in &rows[0] {
        let table = row.get::<&str>(0).map_err(|error| DatabaseError::Failed(error.to_string()))?;
        if !named(table) {
            unnamed.push(table.to_owned());
        }
    }
    Ok(unnamed)
}
