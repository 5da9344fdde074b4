//! PostgreSQL's errors in our terms, whichever way they reached us.

use crate::sql::DatabaseError;

/// What an error of the server means while nothing can have been committed. `code` is the
/// SQLSTATE, of five characters.
pub fn error(code: &str, message: &str, constraint: Option<&str>) -> DatabaseError {
    let cause = format!("{code} {message}");
    match (code, code.get(..2).unwrap_or_default()) {
        ("TR401", _) => DatabaseError::SessionEnded,
        (_, "23") => match constraint {
            Some(name) => DatabaseError::Constraint(name.to_owned()),
            None => DatabaseError::Failed(cause),
        },
        // Cancelled by the statement limit; a lock not had in time.
        ("57014" | "55P03", _) => DatabaseError::TimedOut(cause),
        // No serial order, a deadlock.
        ("40001" | "40P01", _) => DatabaseError::Conflict(cause),
        // A schema, table, column or function that is not there.
        ("3F000" | "42P01" | "42703" | "42883", _) => DatabaseError::Undefined(cause),
        // Shut down, starting up, out of connections or memory, turned read-only, idle or open for
        // too long, a connection fault: another connection, a little later, may do.
        ("25006" | "25P03" | "25P04" | "57P01" | "57P02" | "57P03" | "57P05", _)
        | (_, "08" | "53" | "40") => DatabaseError::Unavailable(cause),
        _ => DatabaseError::Failed(cause),
    }
}

/// Whether an error may come of a statement that was prepared before the schema changed (its
/// result or its arguments are others, what it names is gone or is another's), or under a name
/// that the server has forgotten or given to another.
pub fn is_of_the_schema(code: &str) -> bool {
    matches!(code, "0A000" | "26000" | "XX000") || code.starts_with("42")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_connection_may_do_is_told_from_a_fault() {
        for code in ["25P03", "25P04", "25006", "57P01", "57P05", "08006", "53300", "40002"] {
            assert!(matches!(error(code, "", None), DatabaseError::Unavailable(_)), "{code}");
        }
        for code in ["25P02", "42501", "22003", "XX000"] {
            assert!(matches!(error(code, "", None), DatabaseError::Failed(_)), "{code}");
        }
    }
}
