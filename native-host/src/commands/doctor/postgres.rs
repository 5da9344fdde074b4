mod access;
mod distance;
mod way;

use std::time::Instant;

use shared::{
    config::{self, PostgresUrl},
    postgres::Connection as _,
};
use tokio_postgres::{Client, Error as PgError, Row};

use super::report::Report;
use crate::{
    commands::Failure,
    database::{
        self,
        postgres::{
            connect::{Connection, explain},
            target::Target,
        },
    },
};

/// The oldest server whose SQL the migrations are written in.
const OLDEST: i32 = 14;
/// Looks at a PostgreSQL server. Whether it was reached.
pub async fn examine(
    url: &PostgresUrl,
    config: &config::Database,
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
    let client = connection.client();
    if let Err(error) = look(client, &target, config, report).await {
        report.problem("connection", format!("It broke: {}.", explain(&error)), "Try again.");
        return Ok(false);
    }
    way::migrations(config, report).await?;
    Ok(true)
}

async fn look(
    client: &Client,
    target: &Target,
    config: &config::Database,
    report: &mut Report,
) -> Result<(), PgError> {
    let direct = way::way(client, target, config, report).await?;
    server(client, report).await?;
    way::encryption(client, target, direct, report).await?;
    distance::distance(client, report).await?;
    distance::clock(client, report).await?;
    if direct {
        distance::capacity(client, config.pool_max, report).await?;
    }
    access::role(client, report).await?;
    access::walls(client, report).await?;
    access::locks(client, report).await
}

/// Nothing is prepared: there may be a pooler.
async fn one(client: &Client, sql: &str) -> Result<Row, PgError> {
    client.query_typed_one(sql, &[]).await
}

async fn text(client: &Client, sql: &str) -> Result<String, PgError> {
    Ok(one(client, sql).await?.try_get::<_, Option<String>>(0)?.unwrap_or_default())
}

async fn server(client: &Client, report: &mut Report) -> Result<(), PgError> {
    let version = text(client, "SELECT current_setting('server_version')").await?;
    let major: i32 = version.split(['.', ' ']).next().and_then(|it| it.parse().ok()).unwrap_or(0);
    if major < OLDEST {
        report.problem(
            "version",
            format!("PostgreSQL {version} is too old."),
            format!("Use {OLDEST} or newer; 15 is what the tests run on."),
        );
    } else {
        report.ok("version", format!("PostgreSQL {version}."));
    }

    let encoding = text(client, "SELECT current_setting('server_encoding')").await?;
    if encoding == "UTF8" {
        report.ok("encoding", "UTF8.");
    } else {
        report.problem(
            "encoding",
            format!("The database's encoding is {encoding}: it can't hold every text."),
            "Make a new one: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.",
        );
    }

    let row =
        one(client, "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'")
            .await?;
    let (standby, read_only): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
    if standby {
        report.problem(
            "writing",
            "This server is a standby: it can only be read.",
            "Name the primary; with several hosts in the URL, add target_session_attrs=read-write.",
        );
    } else if read_only {
        report.problem(
            "writing",
            "Transactions are read-only here.",
            "Look at default_transaction_read_only of the server, the database and the role; a provider sets it when the disk is full.",
        );
    } else {
        report.ok("writing", "The server takes writes.");
    }
    Ok(())
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
            "All of the server's connections are in use: put a pooler between, or lower DATABASE_POOL_MAX.",
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
