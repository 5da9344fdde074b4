//! The PostgreSQL side that native and Workers share: tokio-postgres opens a session and signs in
//! ([`lent`], [`sign_in`]), and batches go over the [`Wire`] as one pipelined round trip each.

mod answers;
mod batch;
pub mod lent;
mod oid;
mod prepared;
mod row;
mod scram;
pub mod sign_in;
mod value;
mod wire;

use std::error::Error as _;

use tokio_postgres::{
    Config, Error as PgError,
    error::{Severity, SqlState},
};

pub use self::{
    batch::{Session, opening},
    row::Row,
    wire::Wire,
};
use crate::{config::PostgresUrl, sql::DatabaseError};

/// What tokio-postgres makes of a URL. A platform that opens the connection for us lets nobody set
/// keep-alives.
pub fn config(url: &PostgresUrl, application_name: &str) -> Result<Config, PgError> {
    let wanted = |name: &str| !(cfg!(target_arch = "wasm32") && name.starts_with("keepalives"));
    url.written(application_name, wanted).reveal().parse()
}

/// Opens a transaction. The isolation level is said each time: the server's, the database's or
/// the role's default may be another, under which transactions that meet fail one another.
pub const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Errors that are answers, and leave a connection as good as it was. After any other it is
/// closed: it may be broken, demoted, or hold prepared statements from before a migration.
pub fn is_answer(error: &DatabaseError) -> bool {
    matches!(
        error,
        DatabaseError::SessionEnded
            | DatabaseError::Constraint(_)
            | DatabaseError::TimedOut(_)
            | DatabaseError::NoRoom
            | DatabaseError::Conflict(_)
    )
}

/// An error with its cause, and the server's words with their code.
pub fn explain(error: &PgError) -> String {
    if let Some(server) = error.as_db_error() {
        // It quotes what it does not understand of the URL, and somebody may have taken that for a
        // place of secrets. After signing in these are no fatal errors.
        let options =
            [SqlState::SYNTAX_ERROR, SqlState::INVALID_PARAMETER_VALUE, SqlState::UNDEFINED_OBJECT];
        if server.parsed_severity() == Some(Severity::Fatal) && options.contains(server.code()) {
            let code = server.code().code();
            return format!("{code} the server does not take the URL's `options`");
        }
        return format!("{} {}", server.code().code(), server.message());
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
