use shared::{
    Timestamp, Uuid,
    sql::{Statement, Value},
};

use super::create;

macro_rules! columns {
    () => {
        "id, name, color,
         (SELECT count(*) FROM tasks WHERE tasks.context_id = contexts.id AND tasks.user_id = contexts.user_id),
         created_at, updated_at, version"
    };
}

/// The tag of `Context::tag`, for comparing with `If-Match`.
macro_rules! tag {
    () => {
        "CAST(version AS text) || '-' || CAST((SELECT count(*) FROM tasks
         WHERE tasks.context_id = contexts.id AND tasks.user_id = contexts.user_id) AS text)"
    };
}

/// The cursor, order and limit are added by the page request.
pub fn list(user: Uuid) -> Statement<'static> {
    Statement::read(
        concat!("-- list_contexts\nSELECT ", columns!(), " FROM contexts WHERE user_id = $1"),
        vec![user.into()],
    )
}

pub fn get(user: Uuid, id: Uuid) -> Statement<'static> {
    Statement::read(
        concat!(
            "-- get_context\nSELECT ",
            columns!(),
            " FROM contexts WHERE user_id = $1 AND id = $2"
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
            input.name.as_str().into(),
            input.color.as_ref().map(|color| color.0.as_str()).into(),
            now.into(),
            key.into(),
        ],
    )
}

/// A name that is not given stays; the color is changed where `change_color` says so.
pub fn update<'a>(
    user: Uuid,
    id: Uuid,
    name: Option<&'a str>,
    (change_color, color): (bool, Option<&'a str>),
    demanded: Value<'a>,
    now: Timestamp,
) -> Statement<'a> {
    Statement::write(
        concat!(
            "-- update_context
             UPDATE contexts SET name = COALESCE($3, name),
                 color = CASE WHEN $4 THEN $5 ELSE color END, updated_at = $7, version = version + 1
             WHERE user_id = $1 AND id = $2
             AND (CAST($6 AS text) IS NULL OR $6 LIKE '%,' || ",
            tag!(),
            " || ',%')
             RETURNING id"
        ),
        vec![
            user.into(),
            id.into(),
            name.into(),
            change_color.into(),
            color.into(),
            demanded,
            now.into(),
        ],
    )
}

/// The tasks of a context change when it is deleted: they lose it. Only if it may be deleted.
pub fn touch_tasks<'a>(user: Uuid, id: Uuid, demanded: Value<'a>, now: Timestamp) -> Statement<'a> {
    Statement::write(
        concat!(
            "-- touch_tasks_of_context
             UPDATE tasks SET updated_at = $4, version = version + 1
             WHERE user_id = $1 AND context_id = $2 AND EXISTS (
                 SELECT 1 FROM contexts WHERE user_id = $1 AND id = $2
                 AND (CAST($3 AS text) IS NULL OR $3 LIKE '%,' || ",
            tag!(),
            " || ',%'))"
        ),
        vec![user.into(), id.into(), demanded, now.into()],
    )
}

/// The foreign key takes the context from its tasks.
pub fn delete(user: Uuid, id: Uuid, demanded: Value<'_>) -> Statement<'_> {
    Statement::write(
        concat!(
            "-- delete_context
             DELETE FROM contexts WHERE user_id = $1 AND id = $2
             AND (CAST($3 AS text) IS NULL OR $3 LIKE '%,' || ",
            tag!(),
            " || ',%')
             RETURNING id"
        ),
        vec![user.into(), id.into(), demanded],
    )
}
