use trireme_core::{
    Timestamp, Uuid, if_match, sql,
    sql::{Statement, Value},
};

use super::{User, update};

pub fn get(user: Uuid) -> Statement<'static> {
    Statement::read(
        sql!("-- get_user\nSELECT {} FROM users WHERE id = $1", User::COLUMNS),
        vec![user.into()],
    )
}

/// Changes what is given.
pub fn update<'a>(
    user: Uuid,
    change: &'a update::Input,
    demanded: Value<'a>,
    now: Timestamp,
) -> Statement<'a> {
    Statement::write(
        sql!(
"-- update_user
             UPDATE users SET name = CASE WHEN $2 THEN $3 ELSE name END, updated_at = $5, version = version + 1
             WHERE id = $1 AND deleted_at IS NULL AND {}
             RETURNING id",
if_match!("$4", User::TAG)
),
        vec![
            user.into(),
            change.name.is_given().into(),
            change.name.value().into(),
            demanded,
            now.into(),
        ],
    )
}

pub fn password_hash(user: Uuid) -> Statement<'static> {
    Statement::read(
        "-- get_password_hash\nSELECT password_hash FROM users WHERE id = $1",
        vec![user.into()],
    )
}

/// From here on there is no such account, for anybody: what is left of it has neither address,
/// name nor password, can't be entered, and is removed by [`super::remove`].
pub fn delete<'a>(
    user: Uuid,
    password_hash: &'a str,
    demanded: Value<'a>,
    now: Timestamp,
) -> Statement<'a> {
    Statement::write(
        sql!(
            "-- delete_user
             UPDATE users SET email = CAST(id AS text), name = NULL, password_hash = NULL,
                 disabled_at = $4, deleted_at = $4
             WHERE id = $1 AND password_hash = $2 AND {}
             RETURNING id",
            if_match!("$3", User::TAG)
        ),
        vec![user.into(), password_hash.into(), demanded, now.into()],
    )
}

/// Changes the password, if it is still the one that was confirmed, and ends all sessions.
pub fn set_password<'a>(user: Uuid, old: &'a str, new: &'a str, now: Timestamp) -> Statement<'a> {
    Statement::write(
        "-- set_password
         UPDATE users SET password_hash = $3, updated_at = $4, version = version + 1,
             generation = generation + 1
         WHERE id = $1 AND password_hash = $2 RETURNING id",
        vec![user.into(), old.into(), new.into(), now.into()],
    )
}

/// Takes one session along into its user's new generation.
pub fn keep_session(user: Uuid, session: Option<Uuid>) -> Statement<'static> {
    Statement::write(
        "-- keep_session
         UPDATE sessions SET generation = (SELECT generation FROM users WHERE id = $1)
         WHERE user_id = $1 AND id = $2",
        vec![user.into(), session.into()],
    )
}

/// Leaves sessions of generations that are over to maintenance; those beyond a thousand come to
/// it by their age.
pub fn drop_ended_sessions(user: Uuid, now: Timestamp) -> Statement<'static> {
    Statement::write(
        "-- drop_ended_sessions
         UPDATE sessions SET expires_at = $2 WHERE user_id = $1 AND id IN (
             SELECT id FROM sessions WHERE user_id = $1 AND expires_at > $2
             AND generation <> (SELECT generation FROM users WHERE id = $1) LIMIT 1000
         )",
        vec![user.into(), now.into()],
    )
}

/// `id, created_at, last_used_at, user_agent` of the newest hundred that can still be continued.
pub fn sessions(user: Uuid, unused_since: Timestamp, now: Timestamp) -> Statement<'static> {
    Statement::read(
        "-- list_sessions
         SELECT id, created_at, last_used_at, user_agent FROM sessions
         WHERE user_id = $1 AND expires_at > $2 AND last_used_at > $3
         AND generation = (SELECT generation FROM users WHERE id = $1)
         ORDER BY created_at DESC, id DESC LIMIT 100",
        vec![user.into(), now.into(), unused_since.into()],
    )
}

/// As `auth::sql::end_session_of`, by its id.
pub fn end_session(user: Uuid, session: Uuid, now: Timestamp) -> Statement<'static> {
    Statement::write(
        "-- end_session
         UPDATE sessions SET generation = 0, expires_at = $3
         WHERE user_id = $1 AND id = $2 AND generation = (SELECT generation FROM users WHERE id = $1)
         RETURNING id",
        vec![user.into(), session.into(), now.into()],
    )
}

/// How many deleted accounts are not gone yet.
pub fn deleted_due() -> Statement<'static> {
    Statement::read(
        "-- count_deleted_users
         SELECT count(*) FROM (
             SELECT 1 FROM users WHERE deleted_at IS NOT NULL LIMIT 1000000
         ) AS due",
        vec![],
    )
}

/// The one that waits longest: `user_id, id`.
pub fn first_deleted() -> Statement<'static> {
    Statement::read(
        "-- get_deleted_user
         SELECT id AS user_id, id FROM users WHERE deleted_at IS NOT NULL ORDER BY deleted_at LIMIT 1",
        vec![],
    )
}
