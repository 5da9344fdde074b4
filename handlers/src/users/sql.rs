use shared::{
    Timestamp, Uuid,
    sql::{Statement, Value},
};

/// `id, email, name, created_at, updated_at, version`.
pub fn get(user: Uuid) -> Statement<'static> {
    Statement::read(
        "-- get_user
         SELECT id, email, name, created_at, updated_at, version FROM users WHERE id = $1",
        vec![user.into()],
    )
}

/// Changes the name where `change_name` says so, if the version is one of those demanded.
pub fn update<'a>(
    user: Uuid,
    change_name: bool,
    name: Option<&'a str>,
    demanded: Value<'a>,
    now: Timestamp,
) -> Statement<'a> {
    Statement::write(
        "-- update_user
         UPDATE users SET name = CASE WHEN $2 THEN $3 ELSE name END, updated_at = $5, version = version + 1
         WHERE id = $1 AND (CAST($4 AS text) IS NULL OR $4 LIKE '%,' || CAST(version AS text) || ',%')
         RETURNING id",
        vec![user.into(), change_name.into(), name.into(), demanded, now.into()],
    )
}

pub fn password_hash(user: Uuid) -> Statement<'static> {
    Statement::read(
        "-- get_password_hash\nSELECT password_hash FROM users WHERE id = $1",
        vec![user.into()],
    )
}

/// Everything else of the user goes with the row.
pub fn delete<'a>(user: Uuid, password_hash: &'a str, demanded: Value<'a>) -> Statement<'a> {
    Statement::write(
        "-- delete_user
         DELETE FROM users WHERE id = $1 AND password_hash = $2
         AND (CAST($3 AS text) IS NULL OR $3 LIKE '%,' || CAST(version AS text) || ',%')
         RETURNING id",
        vec![user.into(), password_hash.into(), demanded],
    )
}

/// Changes the password, if it is still the one that was confirmed.
pub fn set_password<'a>(user: Uuid, old: &'a str, new: &'a str, now: Timestamp) -> Statement<'a> {
    Statement::write(
        "-- set_password
         UPDATE users SET password_hash = $3, updated_at = $4, version = version + 1
         WHERE id = $1 AND password_hash = $2 RETURNING id",
        vec![user.into(), old.into(), new.into(), now.into()],
    )
}

/// Ends all sessions but one.
pub fn end_other_sessions(user: Uuid, session: Option<Uuid>) -> Statement<'static> {
    Statement::write(
        "-- end_other_sessions
         DELETE FROM sessions WHERE user_id = $1 AND (CAST($2 AS uuid) IS NULL OR id <> $2)",
        vec![user.into(), session.into()],
    )
}

/// `id, created_at, last_used_at, user_agent` of the newest hundred that can still be continued.
pub fn sessions(user: Uuid, unused_since: Timestamp, now: Timestamp) -> Statement<'static> {
    Statement::read(
        "-- list_sessions
         SELECT id, created_at, last_used_at, user_agent FROM sessions
         WHERE user_id = $1 AND expires_at > $2 AND last_used_at > $3
         ORDER BY created_at DESC, id DESC LIMIT 100",
        vec![user.into(), now.into(), unused_since.into()],
    )
}

pub fn end_session(user: Uuid, session: Uuid) -> Statement<'static> {
    Statement::write(
        "-- end_session\nDELETE FROM sessions WHERE user_id = $1 AND id = $2 RETURNING id",
        vec![user.into(), session.into()],
    )
}
