//! What is between this machine and the server.

use shared::{config, postgres::Connection as _};
use tokio_postgres::{
    Client, Error as PgError,
    config::{Host, SslMode},
};

use super::{advice, one};
use crate::{
    commands::{Failure, doctor::report::Report},
    database::{
        self, OpenError,
        postgres::{
            connect::{Connection, explain},
            direct::is_direct,
            target::Target,
        },
    },
};

pub async fn way(
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
pub async fn migrations(config: &config::Database, report: &mut Report) -> Result<(), Failure> {
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

pub async fn encryption(
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
