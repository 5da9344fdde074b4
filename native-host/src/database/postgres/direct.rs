//! Telling the server from a pooler before it.

use std::time::Duration;

use tokio_postgres::{Client, Error as PgError, SimpleQueryMessage};

/// Whether the process that answers is the one that introduced itself when we connected. A
/// pooler introduces itself, with a number that it made up to know cancellations by; and
/// behind it, any server process may answer the next transaction.
///
/// In the same round trip a direct connection is told how long each of its statements may run, and
/// at which level its transactions are isolated: the server's, the database's or the role's default
/// may be another, under which transactions that meet fail one another. A pooler's is left as it
/// is, since others get it next.
///
/// Comparing ports (`inet_client_port()`) would take every network address translation for a
/// pooler, and is no use on a Unix socket.
pub async fn is_direct(
    client: &Client,
    introduced: Option<u32>,
    statement_timeout: Option<Duration>,
) -> Result<bool, PgError> {
    let mut question = "SELECT pg_backend_pid()".to_owned();
    if let (Some(process), Some(limit)) = (introduced, statement_timeout) {
        let limit = limit.as_millis().to_string();
        let settings = [
            ("statement_timeout", limit.as_str()),
            ("default_transaction_isolation", "read committed"),
        ];
        for (name, value) in settings {
            // Set locally, it ends with this statement.
            let set = format!(", set_config('{name}', '{value}', pg_backend_pid() <> {process})");
            question.push_str(&set);
        }
    }
    let answers = client.simple_query(&question).await?;
    let answering = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    Ok(introduced.is_some() && introduced == answering)
}
