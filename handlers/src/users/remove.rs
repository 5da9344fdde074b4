//! What is left of a deleted account goes in pieces: the first with the request that deletes it,
//! which for most accounts is the last, the others with maintenance. A table that is not named
//! here goes with the row of the user, by its foreign key and in one go.

use trireme_core::{Uuid, sql::Statement};

use crate::{auth::sweep::sessions_of, contexts, idempotency, tasks};

/// A piece: a thousand rows of each table at most.
pub fn piece(user: Uuid) -> Vec<Statement<'static>> {
    let [tokens, sessions] = sessions_of(user);
    vec![
        tasks::sql::remove_all(user),
        contexts::sql::remove_all(user),
        idempotency::remove_all(user),
        tokens,
        sessions,
        row(user),
    ]
}

/// The row itself, when a deleted account has nothing else left.
fn row(user: Uuid) -> Statement<'static> {
    Statement::write(
        "-- remove_user
         DELETE FROM users WHERE id = $1 AND deleted_at IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM tasks WHERE user_id = $1)
         AND NOT EXISTS (SELECT 1 FROM contexts WHERE user_id = $1)
         AND NOT EXISTS (SELECT 1 FROM idempotency_keys WHERE user_id = $1)
         AND NOT EXISTS (SELECT 1 FROM sessions WHERE user_id = $1)
         RETURNING 1 AS gone",
        vec![user.into()],
    )
}
