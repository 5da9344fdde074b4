//! Sessions that nobody can continue and tokens that nobody can use any more, a piece at a time.

use trireme_core::{Timestamp, Uuid, sql::Statement};

pub fn tokens_due(now: Timestamp) -> Statement<'static> {
    Statement::read(
        "-- count_expired_tokens
         SELECT count(*) FROM (
             SELECT 1 FROM refresh_tokens WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000000
         ) AS due",
        vec![now.into()],
    )
}

/// A used token is kept for as long as it would have lasted, to be known when it comes again.
pub fn tokens(now: Timestamp) -> Statement<'static> {
    Statement::write(
        "-- sweep_tokens
         DELETE FROM refresh_tokens WHERE hash IN (
             SELECT hash FROM refresh_tokens WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000
         ) RETURNING 1 AS gone",
        vec![now.into()],
    )
}

/// The tokens of some sessions, and those of the sessions that have none left: one may have
/// thousands, which the foreign key would remove in one go.
macro_rules! sessions_and_tokens {
    ($name:literal, $sessions:literal, $argument:expr) => {
        [
            Statement::write(
                concat!(
                    "-- sweep_tokens_of_",
                    $name,
                    "\nDELETE FROM refresh_tokens WHERE hash IN (
                         SELECT hash FROM refresh_tokens WHERE session_id IN (",
                    $sessions,
                    " LIMIT 100) LIMIT 1000
                     ) RETURNING 1 AS gone"
                ),
                vec![$argument.into()],
            ),
            Statement::write(
                concat!(
                    "-- sweep_",
                    $name,
                    "\nDELETE FROM sessions WHERE id IN (",
                    $sessions,
                    " LIMIT 100) AND NOT EXISTS (
                         SELECT 1 FROM refresh_tokens WHERE session_id = sessions.id
                     ) RETURNING 1 AS gone"
                ),
                vec![$argument.into()],
            ),
        ]
    };
}

/// Those that were ended, or have come to their age.
pub fn ended_sessions_due(now: Timestamp) -> Statement<'static> {
    Statement::read(
        "-- count_ended_sessions
         SELECT count(*) FROM (
             SELECT 1 FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000000
         ) AS due",
        vec![now.into()],
    )
}

pub fn ended_sessions(now: Timestamp) -> [Statement<'static>; 2] {
    sessions_and_tokens!(
        "ended_sessions",
        "SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at",
        now
    )
}

/// Those that were not used for as long as a refresh token lasts.
pub fn unused_sessions_due(since: Timestamp) -> Statement<'static> {
    Statement::read(
        "-- count_unused_sessions
         SELECT count(*) FROM (
             SELECT 1 FROM sessions WHERE last_used_at <= $1 ORDER BY last_used_at LIMIT 1000000
         ) AS due",
        vec![since.into()],
    )
}

pub fn unused_sessions(since: Timestamp) -> [Statement<'static>; 2] {
    sessions_and_tokens!(
        "unused_sessions",
        "SELECT id FROM sessions WHERE last_used_at <= $1 ORDER BY last_used_at",
        since
    )
}

/// Those of a deleted account.
pub fn sessions_of(user: Uuid) -> [Statement<'static>; 2] {
    sessions_and_tokens!("sessions_of_user", "SELECT id FROM sessions WHERE user_id = $1", user)
}
