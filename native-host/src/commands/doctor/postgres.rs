use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use shared::{Secret, config, postgres::Connection as _};
use tokio_postgres::{
    Client, Error as PgError, Row,
    config::{Host, SslMode},
};

use super::report::Report;
use crate::{
    commands::Failure,
    database::{
        self, OpenError,
        postgres::{
            connect::{Connection, explain},
            direct::is_direct,
            target::Target,
        },
    },
};

/// The oldest server whose SQL the migrations are written in.
const OLDEST: i32 = 14;
const ROUND_TRIPS: usize = 11;
const FAR: Duration = Duration::from_millis(10);
const CLOCKS: Duration = Duration::from_secs(2);

/// Looks at a PostgreSQL server. Whether it was reached.
pub async fn examine(
    url: &Secret,
    config: &config::Database,
    report: &mut Report,
) -> Result<bool, Failure> {
    let target = Target::parse(url, database::APPLICATION_NAME)
        .map_err(|error| OpenError::Url("DATABASE_URL", error))?;
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
    migrations(config, report).await?;
    Ok(true)
}

async fn look(
    client: &Client,
    target: &Target,
    config: &config::Database,
    report: &mut Report,
) -> Result<(), PgError> {
    let direct = way(client, target, config, report).await?;
    server(client, report).await?;
    encryption(client, target, direct, report).await?;
    distance(client, report).await?;
    clock(client, report).await?;
    if direct {
        capacity(client, config.pool_max, report).await?;
    }
    role(client, report).await?;
    walls(client, report).await?;
    locks(client, report).await
}

/// Nothing is prepared: there may be a pooler.
async fn one(client: &Client, sql: &str) -> Result<Row, PgError> {
    client.query_typed_one(sql, &[]).await
}

async fn text(client: &Client, sql: &str) -> Result<String, PgError> {
    Ok(one(client, sql).await?.try_get::<_, Option<String>>(0)?.unwrap_or_default())
}

async fn way(
    client: &Client,
    target: &Target,
    config: &config::Database,
    report: &mut Report,
) -> Result<bool, PgError> {
    const CHECK: &str = "way";
    if is_direct(client).await? {
        report.ok(
            CHECK,
            "Direct: nothing is between this machine and the server that pools connections.",
        );
        return Ok(true);
    }
    let pooler = pooler(target).await;
    let detail = format!(
        "Through {pooler}. Statements are not prepared, which costs some speed and is always safe."
    );
    if config.direct_url.is_some() {
        report.ok(CHECK, detail);
    } else {
        report.warning(
            CHECK,
            detail,
            "Migrations go through it too; set DIRECT_DATABASE_URL if the server can be reached past it.",
        );
    }
    Ok(false)
}

/// Where migrations go, if that is another place.
async fn migrations(config: &config::Database, report: &mut Report) -> Result<(), Failure> {
    const CHECK: &str = "migrations";
    let Some(url) = &config.direct_url else { return Ok(()) };
    let target = Target::parse(url, database::APPLICATION_NAME)
        .map_err(|error| OpenError::Url("DIRECT_DATABASE_URL", error))?;
    let place = target.place();
    let connection = match Connection::open(&target).await {
        Ok(connection) => connection,
        Err(error) => {
            report.problem(CHECK, format!("DIRECT_DATABASE_URL: {error}."), advice(&error.0));
            return Ok(());
        }
    };
    match is_direct(connection.client()).await {
        Ok(true) => {
            report.ok(CHECK, format!("They go directly to {place}, by DIRECT_DATABASE_URL."));
        }
        Ok(false) => report.warning(
            CHECK,
            format!("DIRECT_DATABASE_URL leads to {place}, where a pooler answers."),
            "Name the server itself.",
        ),
        Err(error) => report.problem(CHECK, format!("{place}: {}.", explain(&error)), "Try again."),
    }
    Ok(())
}

/// Which one, as far as it can be told.
async fn pooler(target: &Target) -> &'static str {
    let names: Vec<_> = target
        .config
        .get_hosts()
        .iter()
        .filter_map(|host| match host {
            Host::Tcp(name) => Some(name.as_str()),
            Host::Unix(_) => None,
        })
        .collect();
    if names.iter().any(|name| name.contains("-pooler.") && name.ends_with(".neon.tech")) {
        return "Neon's pooler";
    }
    if names.iter().any(|name| name.ends_with(".pooler.supabase.com")) {
        return "Supabase's pooler";
    }
    // PgBouncer refuses start-up parameters that it does not know, in words of its own.
    let mut probing = target.clone();
    probing.config.options("-c trireme.probe=1");
    match Connection::open(&probing).await {
        Err(error) if error.0.contains("unsupported startup parameter") => "PgBouncer",
        _ => "a pooler or a proxy",
    }
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

async fn encryption(
    client: &Client,
    target: &Target,
    direct: bool,
    report: &mut Report,
) -> Result<(), PgError> {
    const CHECK: &str = "encryption";
    if !direct {
        // What the server knows is how the pooler came to it.
        let mut insisting = target.clone();
        insisting.config.ssl_mode(SslMode::Require);
        let asked = target.config.get_ssl_mode() != SslMode::Disable;
        if asked && Connection::open(&insisting).await.is_ok() {
            report.ok(CHECK, "TLS to the pooler.");
        } else {
            plain(target, report);
        }
        return Ok(());
    }
    let sql = "SELECT ssl, version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row = one(client, sql).await?;
    if row.try_get::<_, bool>(0)? {
        let (version, cipher): (String, String) = (row.try_get(1)?, row.try_get(2)?);
        report.ok(CHECK, format!("{version} with {cipher}."));
    } else {
        plain(target, report);
    }
    Ok(())
}

fn plain(target: &Target, report: &mut Report) {
    let here = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|it: std::net::IpAddr| it.is_loopback())
        }
    };
    if target.config.get_hosts().iter().all(here) {
        report.ok("encryption", "None, and the server is on this machine.");
    } else {
        report.warning(
            "encryption",
            "Everything, passwords too, travels as it is.",
            "Add sslmode=verify-full to the URL, and sslrootcert=FILE if the authority is the provider's own.",
        );
    }
}

async fn distance(client: &Client, report: &mut Report) -> Result<(), PgError> {
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    for _ in 0..ROUND_TRIPS {
        let begun = Instant::now();
        client.batch_execute("SELECT 1").await?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let median = times[ROUND_TRIPS / 2];
    let detail = format!(
        "A round trip takes {:.1} ms (from {:.1} to {:.1}).",
        millis(median),
        millis(times[0]),
        millis(times[ROUND_TRIPS - 1])
    );
    if median > FAR {
        report.warning(
            "distance",
            detail,
            "Every request waits for at least one: run next to the database.",
        );
    } else {
        report.ok("distance", detail);
    }
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

async fn clock(client: &Client, report: &mut Report) -> Result<(), PgError> {
    let before = SystemTime::now();
    let server: f64 =
        one(client, "SELECT extract(epoch FROM clock_timestamp())::float8").await?.try_get(0)?;
    let half = before.elapsed().unwrap_or_default() / 2;
    let here = (before + half).duration_since(UNIX_EPOCH).unwrap_or_default();
    let apart = (here.as_secs_f64() - server).abs();
    if apart > CLOCKS.as_secs_f64() {
        report.warning(
            "clock",
            format!("This machine's clock and the server's are {apart:.1} s apart."),
            "Set them by NTP: tokens are valid by this machine's clock.",
        );
    } else {
        report.ok("clock", format!("The same as here, within {:.0} ms.", (apart * 1e3).max(1.0)));
    }
    Ok(())
}

async fn capacity(client: &Client, wanted: usize, report: &mut Report) -> Result<(), PgError> {
    let sql = "SELECT current_setting('max_connections')::int8,
                      current_setting('superuser_reserved_connections')::int8
                      + COALESCE(current_setting('reserved_connections', true), '0')::int8,
                      (SELECT sum(numbackends)::int8 FROM pg_stat_database)";
    let row = one(client, sql).await?;
    let (most, reserved, used): (i64, i64, i64) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let left = (most - reserved - used).max(0);
    let detail = format!(
        "The server has {most} connections: {reserved} reserved, {used} in use. The pool takes up to {wanted}."
    );
    if wanted as i64 > left {
        report.warning(
            "capacity",
            detail,
            "Each instance takes as many. Lower DATABASE_POOL_MAX (twice the server's cores is often best), raise max_connections, or put a pooler between.",
        );
    } else {
        report.ok("capacity", detail);
    }
    Ok(())
}

async fn role(client: &Client, report: &mut Report) -> Result<(), PgError> {
    const CHECK: &str = "role";
    let sql = "SELECT current_user::text, rolsuper, rolbypassrls, rolcreaterole,
                      EXISTS (SELECT FROM pg_roles WHERE rolname = 'trireme_user')
               FROM pg_roles WHERE rolname = current_user";
    let row = one(client, sql).await?;
    let name: String = row.try_get(0)?;
    let (superuser, bypasses, creates, exists): (bool, bool, bool, bool) =
        (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    if superuser || bypasses {
        report.warning(
            CHECK,
            format!("{name} is {}.", if superuser { "a superuser" } else { "above row-level security" }),
            "Requests run in the role trireme_user and are bound all the same; yet a role of its own that owns the database and no more is safer.",
        );
    } else {
        report.ok(CHECK, format!("{name} is no superuser and not above row-level security."));
    }

    if !exists {
        if superuser || creates {
            report
                .ok(CHECK, "The role trireme_user is not there yet; the first migration makes it.");
        } else {
            report.problem(
                CHECK,
                format!("The role trireme_user is missing, and {name} may not create it."),
                format!("As an administrator: CREATE ROLE trireme_user NOLOGIN; GRANT trireme_user TO \"{name}\";"),
            );
        }
        return Ok(());
    }
    let sql = "SELECT pg_has_role('trireme_user', CASE WHEN current_setting('server_version_num')::int >= 160000
                                                  THEN 'SET' ELSE 'MEMBER' END),
                      rolsuper OR rolbypassrls
               FROM pg_roles WHERE rolname = 'trireme_user'";
    let row = one(client, sql).await?;
    let (member, unbound): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
    if unbound {
        report.problem(
            CHECK,
            "The role trireme_user is above row-level security: one user could see another's data.",
            "As an administrator: ALTER ROLE trireme_user NOSUPERUSER NOBYPASSRLS;",
        );
    } else if member {
        report.ok(CHECK, format!("{name} may become trireme_user, in which requests run."));
    } else {
        report.problem(
            CHECK,
            format!("{name} may not become trireme_user, in which requests run."),
            format!("As an administrator: GRANT trireme_user TO \"{name}\";"),
        );
    }
    Ok(())
}

/// Row-level security can be switched off by hand, table by table.
async fn walls(client: &Client, report: &mut Report) -> Result<(), PgError> {
    let sql = "SELECT string_agg(relname::text, ', ' ORDER BY relname), count(*)
               FROM pg_class c
               WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND NOT relrowsecurity
               AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'user_id' AND NOT attisdropped)";
    let row = one(client, sql).await?;
    match row.try_get::<_, Option<String>>(0)? {
        None => {
            report.ok("walls", "Row-level security is on for every table that belongs to users.");
        }
        Some(tables) => report.problem(
            "walls",
            format!("Row-level security is off for {tables}."),
            format!("ALTER TABLE … ENABLE ROW LEVEL SECURITY; for {tables}."),
        ),
    }
    Ok(())
}

async fn locks(client: &Client, report: &mut Report) -> Result<(), PgError> {
    let sql = "SELECT string_agg(DISTINCT format('process %s (%s%s)', pid, COALESCE(state, 'state unknown'),
                          COALESCE(', since ' || to_char(state_change AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '')), '; ')
               FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
               WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    match one(client, sql).await?.try_get::<_, Option<String>>(0)? {
        None => report.ok("locks", "Nobody holds an advisory lock."),
        Some(holders) => report.warning(
            "locks",
            format!("Advisory locks are held by {holders}."),
            "Trireme holds one while it migrates, and no longer. An idle holder has left it behind: SELECT pg_terminate_backend(…) ends it.",
        ),
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
