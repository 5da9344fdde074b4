use trireme_core::{Timestamp, Uuid, sql, sql::Statement};

use super::NewSession;
use crate::users::User;

/// The user's columns, then `password_hash, disabled_at`: the only place where an e-mail address finds a user. An account older than the rules of addresses is
/// found as it was `typed` then; of two, that one.
pub fn user_by_email<'a>(typed: &'a str, normal: &'a str) -> Statement<'a> {
    Statement::read(
        sql!(
            "-- get_user_by_email
             SELECT {}, password_hash, disabled_at
             FROM users WHERE email = $1 OR email = $2 ORDER BY email <> $1 LIMIT 1",
            User::COLUMNS
        ),
        vec![typed.into(), normal.into()],
    )
}

/// What the costliest of all hashes costs, as its two digits; costlier ones than 16 are not read.
pub fn costliest_hash() -> Statement<'static> {
    Statement::read(
        "-- get_costliest_hash
         SELECT substr(password_hash, 5, 2) AS cost FROM users
         WHERE substr(password_hash, 5, 2) <= '16'
         ORDER BY substr(password_hash, 5, 2) DESC LIMIT 1",
        vec![],
    )
}

pub fn create_user<'a>(
    id: Uuid,
    email: &'a str,
    name: Option<&'a str>,
    password_hash: &'a str,
    now: Timestamp,
) -> Statement<'a> {
    Statement::write(
        "-- create_user
         INSERT INTO users (id, email, name, password_hash, created_at, updated_at, version)
         VALUES ($1, $2, $3, $4, $5, $5, 1)",
        vec![id.into(), email.into(), name.into(), password_hash.into(), now.into()],
    )
}

/// Holds an account whose password was compared with this hash until the batch ends: whoever
/// changes the password or disables the account comes before or after, and never in between.
pub fn hold_user<'a>(user: Uuid, password_hash: &'a str) -> Statement<'a> {
    Statement::write(
        "-- hold_user
         UPDATE users SET version = version
         WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL",
        vec![user.into(), password_hash.into()],
    )
}

/// Begins a session, if the account is still what it was when the password was compared.
pub fn create_session<'a>(
    user: Uuid,
    password_hash: &'a str,
    session: &'a NewSession,
    now: Timestamp,
) -> Statement<'a> {
    Statement::write(
        "-- create_session
         INSERT INTO sessions (id, user_id, user_agent, created_at, last_used_at, expires_at, generation)
         SELECT $1, id, $3, $4, $4, $5, generation FROM users
         WHERE id = $2 AND password_hash = $6 AND disabled_at IS NULL
         RETURNING id",
        vec![
            session.id.into(),
            user.into(),
            session.user_agent.as_deref().into(),
            now.into(),
            session.ends.into(),
            password_hash.into(),
        ],
    )
}

pub fn create_refresh_token(session: &NewSession, now: Timestamp) -> Statement<'static> {
    Statement::write(
        "-- create_refresh_token
         INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at)
         SELECT $1, id, $3, $4 FROM sessions WHERE id = $2",
        vec![session.token.hash().into(), session.id.into(), now.into(), session.token_ends.into()],
    )
}

/// Replaces a hash by one of the cost that is due, unless the password was changed meanwhile.
pub fn upgrade_hash<'a>(user: Uuid, old: &'a str, new: &'a str) -> Statement<'a> {
    Statement::write(
        "-- upgrade_password_hash
         UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2",
        vec![user.into(), old.into(), new.into()],
    )
}

/// Marks a token as used and names its successor; only one of several at once does.
pub fn use_refresh_token<'a>(hash: &'a str, sealed: &'a str, now: Timestamp) -> Statement<'a> {
    Statement::write(
        "-- use_refresh_token
         UPDATE refresh_tokens SET used_at = $3, successor = $2
         WHERE hash = $1 AND used_at IS NULL AND expires_at > $3 AND EXISTS (
             SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id
             WHERE s.id = refresh_tokens.session_id AND s.expires_at > $3
             AND u.generation = s.generation AND u.disabled_at IS NULL
         )",
        vec![hash.into(), sealed.into(), now.into()],
    )
}

/// Adds the successor, for whoever marked the token.
pub fn add_successor<'a>(
    hash: &'a str,
    sealed: &'a str,
    successor_hash: &'a str,
    expires: Timestamp,
    now: Timestamp,
) -> Statement<'a> {
    Statement::write(
        "-- add_successor
         INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at)
         SELECT $3, t.session_id, $5, CASE WHEN s.expires_at < $4 THEN s.expires_at ELSE $4 END
         FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
         WHERE t.hash = $1 AND t.successor = $2",
        vec![hash.into(), sealed.into(), successor_hash.into(), expires.into(), now.into()],
    )
}

/// Notes that the session is used. The first of an exchange: like whoever ends a session, it
/// takes the session before its tokens, or the two could wait for each other.
pub fn touch_session(hash: &str, now: Timestamp) -> Statement<'_> {
    Statement::write(
        "-- touch_session
         UPDATE sessions SET last_used_at = $2
         WHERE id = (SELECT session_id FROM refresh_tokens WHERE hash = $1 AND expires_at > $2)",
        vec![hash.into(), now.into()],
    )
}

/// The user's columns as in [`user_by_email`] up to the version, then `used_at, successor,
/// session_id, session.expires_at`.
pub fn refresh_token(hash: &str) -> Statement<'_> {
    Statement::read(
        "-- get_refresh_token
         SELECT u.id, u.email, u.name, u.created_at, u.updated_at, u.version,
                t.used_at, t.successor, t.session_id, s.expires_at
         FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.user_id
         WHERE t.hash = $1 AND u.generation = s.generation AND u.disabled_at IS NULL",
        vec![hash.into()],
    )
}

/// Ends the session of a token that was used before `grace_began`: somebody has a copy.
pub fn end_reused(hash: &str, grace_began: Timestamp, now: Timestamp) -> Statement<'_> {
    Statement::write(
        "-- end_reused_session
         UPDATE sessions SET generation = 0, expires_at = $3
         WHERE id = (SELECT session_id FROM refresh_tokens WHERE hash = $1 AND used_at <= $2)
         AND generation = (SELECT generation FROM users WHERE users.id = sessions.user_id)
         RETURNING user_id",
        vec![hash.into(), grace_began.into(), now.into()],
    )
}

/// No user is of generation 0. The row is left to maintenance: it may have tokens by the thousand.
pub fn end_session_of(hash: &str, now: Timestamp) -> Statement<'_> {
    Statement::write(
        "-- end_session_of_token
         UPDATE sessions SET generation = 0, expires_at = $2
         WHERE id = (SELECT session_id FROM refresh_tokens WHERE hash = $1)
         AND generation = (SELECT generation FROM users WHERE users.id = sessions.user_id)
         RETURNING user_id",
        vec![hash.into(), now.into()],
    )
}
