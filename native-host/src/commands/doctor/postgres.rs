mod access;
mod capacity;
mod distance;
mod rehearsal;
mod way;

use std::time::Instant;

use tokio_postgres::{Client, Error as PgError, Row, error::SqlState};
use trireme_core::{
    config::{self, PostgresUrl},
    migrations::Schema,
};

use super::report::Report;
use crate::{
    commands::Failure,
    database::{
        self,
        postgres::{
            connect::{Connection, explain},
            needs::{self, Lack, Purpose},
            target::Target,
        },
    },
};

/// Looks at a PostgreSQL server. Whether it was reached.
pub async fn examine(
    url: &PostgresUrl,
    config: &config::Database,
    schema: Schema,
    report: &mut Report,
) -> Result<bool, Failure> {
    let target = database::target("DATABASE_URL", url)?;
    let begun = Instant::now();
    let connection = match Connection::open(&target).await {
        Ok(connection) => connection,
        Err(error) => {
            report.problem("connection", format!("{error}."), advice(&error.0));
            return Ok(false);
        }
    };
    report.ok(
        "connection",
        format!("{} answers; connecting took {} ms.", target.place(), begun.elapsed().as_millis()),
    );
    if let Err(error) = look(&connection, &target, config, schema, report).await {
        report.problem("connection", format!("It broke: {}.", explain(&error)), "Try again.");
        return Ok(false);
    }
    way::migrations(connection.client(), config, schema, report).await?;
    Ok(true)
}

async fn look(
    connection: &Connection,
    target: &Target,
    config: &config::Database,
    schema: Schema,
    report: &mut Report,
) -> Result<(), PgError> {
    let client = connection.client();
    let direct = way::way(connection, target, config, report).await?;
    if !serving(client, config, schema, report).await? {
        return Ok(());
    }
    way::encryption(client, target, direct, report).await?;
    distance::distance(client, report).await?;
    distance::clock(client, report).await?;
    capacity::limits(client, config, report).await?;
    if direct {
        capacity::free(client, config.pool_max, report).await?;
    }
    access::role(client, report).await?;
    access::walls(client, report).await?;
    access::defaults(client, report).await?;
    access::locks(client, report).await?;
    rehearsal::rehearse(client, report).await
}

/// What is lacking for serving, and for migrating where that is due and goes this way.
async fn needs(client: &Client, schema: Schema, migrates: bool) -> Result<Vec<Lack>, PgError> {
    let applied = applied(client, schema).await?;
    let due = schema.count();
    let purpose = if migrates && applied < Some(due) {
        Purpose::Migrating { from_nothing: applied.is_none() }
    } else {
        Purpose::Serving
    };
    needs::lacks(client, purpose).await
}

/// Whether there is more to be asked on this connection.
async fn serving(
    client: &Client,
    config: &config::Database,
    schema: Schema,
    report: &mut Report,
) -> Result<bool, PgError> {
    let lacks = needs(client, schema, config.direct_url.is_none()).await?;
    report.lacks(&lacks);
    let lacking = |check| lacks.iter().any(|lack| lack.check == check);
    if lacking(needs::TRANSACTIONS) {
        return Ok(false);
    }
    let version = text(client, "SELECT current_setting('server_version')").await?;
    for (check, detail) in [
        (needs::VERSION, format!("PostgreSQL {version}.")),
        (needs::ENCODING, "UTF8.".to_owned()),
        (needs::WRITING, "The server takes writes.".to_owned()),
        (needs::RIGHTS, "What there is may be used, what is to be made may be made.".to_owned()),
    ] {
        if !lacking(check) {
            report.ok(check, detail);
        }
    }
    Ok(true)
}

/// How many of this build's migrations are applied, where there are books.
async fn applied(client: &Client, schema: Schema) -> Result<Option<i64>, PgError> {
    let known = "SELECT to_regclass('schema_migrations') IS NOT NULL";
    if !one(client, known).await?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    match one(client, &schema.applied().text).await {
        Ok(row) => row.try_get(0),
        // From before there were series.
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_COLUMN) => Ok(Some(0)),
        // Somebody else's: that is found among the rights.
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Nothing is prepared: there may be a pooler.
async fn one(client: &Client, sql: &str) -> Result<Row, PgError> {
    client.query_typed_one(sql, &[]).await
}

async fn text(client: &Client, sql: &str) -> Result<String, PgError> {
    Ok(one(client, sql).await?.try_get::<_, Option<String>>(0)?.unwrap_or_default())
}

/// What to do when there is no connection, by its cause.
fn advice(cause: &str) -> &'static str {
    let known = [
        ("Connection refused", "Is the server running, and are host and port right?"),
        ("failed to lookup", "Is the host's name right, and known to this machine?"),
        ("no answer within", "Is a firewall between? Are host and port right?"),
        ("timed out", "Is a firewall between? Are host and port right?"),
        ("28P01", "User and password do not belong together."),
        (
            "28000",
            "The server's pg_hba.conf does not let this user, database or address in; it may want TLS (sslmode=require).",
        ),
        ("password missing", "The server wants a password, and the URL has none."),
        (
            "3D000",
            "The database does not exist: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.",
        ),
        (
            "53300",
            "All connections that the server, the database or the role may have are in use: raise its CONNECTION LIMIT or max_connections, put a pooler between, or lower DATABASE_POOL_MAX.",
        ),
        ("no more connections", "The pooler takes no more: raise its max_client_conn."),
        ("42501", "As the database's owner: GRANT CONNECT ON DATABASE … TO …;"),
        ("55000", "The database takes no connections: ALTER DATABASE … ALLOW_CONNECTIONS true;"),
        (
            "statement pooling",
            "Set the pooler's pool_mode = transaction, or name the server itself.",
        ),
        ("57P03", "The server is starting or stopping; try again."),
        (
            "does not support TLS",
            "The server has no TLS: switch it on there, or leave sslmode away.",
        ),
        (
            "invalid peer certificate",
            "The certificate is not what sslmode demands: name the authority's file in sslrootcert, and the host as the certificate does.",
        ),
    ];
    known.iter().find(|(sign, _)| cause.contains(sign)).map_or("", |(_, advice)| advice)
}
