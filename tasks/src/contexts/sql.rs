use trireme::{
    Timestamp, Uuid, if_match, sql,
    sql::{Statement, Value},
};

use super::{Context, create, update};
use crate::tasks;

pub const TASK_COUNT: &str = "(SELECT count(*) FROM tasks
    WHERE tasks.context_id = contexts.id AND tasks.user_id = contexts.user_id)";

/// The cursor, order and limit are added by the page request.
pub fn list(user: Uuid) -> Statement<'static> {
    Statement::read(
        sql!(
            "-- list_contexts
             SELECT {} FROM contexts WHERE user_id = $1 AND deleted_at IS NULL",
            Context::COLUMNS
        ),
        vec![user.into()],
    )
}

pub fn get(user: Uuid, id: Uuid) -> Statement<'static> {
    Statement::read(
        sql!(
            "-- get_context
             SELECT {} FROM contexts
             WHERE user_id = $1 AND id = $2 AND deleted_at IS NULL",
            Context::COLUMNS
        ),
        vec![user.into(), id.into()],
    )
}

/// Under an idempotency key only if the key was taken for this record.
pub fn create<'a>(
    user: Uuid,
    id: Uuid,
    input: &'a create::Input,
    key: Option<String>,
    now: Timestamp,
) -> Statement<'a> {
    Statement::write(
        "-- create_context
         INSERT INTO contexts (id, user_id, name, color, created_at, updated_at, version)
         SELECT $2, $1, $3, $4, $5, $5, 1
         WHERE CAST($6 AS text) IS NULL OR EXISTS (
             SELECT 1 FROM idempotency_keys WHERE user_id = $1 AND key = $6 AND record_id = $2
         )
         RETURNING id",
        vec![
            user.into(),
            id.into(),
            (&input.name).into(),
            input.color.as_ref().into(),
            now.into(),
            key.into(),
        ],
    )
}

/// Changes what is given.
pub fn update<'a>(
    user: Uuid,
    id: Uuid,
    change: &'a update::Input,
    demanded: Value<'a>,
    now: Timestamp,
) -> Statement<'a> {
    Statement::write(
        sql!(
            "-- update_context
             UPDATE contexts SET name = COALESCE($3, name),
                 color = CASE WHEN $4 THEN $5 ELSE color END, updated_at = $7, version = version + 1
             WHERE user_id = $1 AND id = $2 AND deleted_at IS NULL
             AND {}
             RETURNING id",
            if_match!("$6", Context::TAG)
        ),
        vec![
            user.into(),
            id.into(),
            change.name.given().into(),
            change.color.is_given().into(),
            change.color.value().into(),
            demanded,
            now.into(),
        ],
    )
}

/// From here on there is no such context, for anybody: its name is free (no name can hold
/// U+0001), and its tasks have none.
pub fn delete(user: Uuid, id: Uuid, demanded: Value<'_>, now: Timestamp) -> Statement<'_> {
    Statement::write(
        sql!(
            "-- delete_context
             UPDATE contexts SET name = $4, color = NULL, deleted_at = $5
             WHERE user_id = $1 AND id = $2 AND deleted_at IS NULL
             AND {}
             RETURNING id",
            if_match!("$3", Context::TAG)
        ),
        vec![user.into(), id.into(), demanded, format!("\u{1}{id}").into(), now.into()],
    )
}

/// A piece of what is left of a deleted context: it is taken from a thousand tasks at most, and
/// goes when none is in it any more. The first comes with the request that deletes it, which for
/// most contexts is the last, the others with maintenance.
pub fn remove(user: Uuid, id: Uuid) -> [Statement<'static>; 2] {
    let row = Statement::write(
        "-- remove_context
         DELETE FROM contexts WHERE user_id = $1 AND id = $2 AND deleted_at IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM tasks WHERE context_id = $2)
         RETURNING 1 AS gone",
        vec![user.into(), id.into()],
    );
    [tasks::sql::leave_context(user, id), row]
}

/// How many deleted contexts are not gone yet.
pub fn deleted_due() -> Statement<'static> {
    Statement::read(
        "-- count_deleted_contexts
         SELECT count(*) FROM (
             SELECT 1 FROM contexts WHERE deleted_at IS NOT NULL LIMIT 1000000
         ) AS due",
        vec![],
    )
}

/// One of them: `user_id, id`.
pub fn first_deleted() -> Statement<'static> {
    Statement::read(
        "-- get_deleted_context
         SELECT user_id, id FROM contexts WHERE deleted_at IS NOT NULL ORDER BY id LIMIT 1",
        vec![],
    )
}
