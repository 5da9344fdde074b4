//! What is between this machine and the server.

use std::net::IpAddr;

use tokio_postgres::{
    Client, Error as PgError,
    config::{Host, SslMode},
};
use trireme_core::{config, migrations::Schema};

use super::{advice, needs, one};
use crate::{
    commands::{Failure, doctor::report::Report},
    database::{
        self,
        postgres::{
            connect::{Connection, explain},
            target::Target,
        },
        tls::Proof,
    },
};

pub async fn way(
    connection: &Connection,
    target: &Target,
    config: &config::Database,
    report: &mut Report,
) -> Result<bool, PgError> {
    const CHECK: &str = "way";
    if connection.is_direct().await? {
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
pub async fn migrations(
    client: &Client,
    config: &config::Database,
    schema: Schema,
    report: &mut Report,
) -> Result<(), Failure> {
    const CHECK: &str = "migrations";
    let Some(url) = &config.direct_url else { return Ok(()) };
    let target = database::target("DIRECT_DATABASE_URL", url)?;
    let place = target.place();
    let connection = match Connection::open(&target).await {
        Ok(connection) => connection,
        Err(error) => {
            report.problem(CHECK, format!("DIRECT_DATABASE_URL: {error}."), advice(&error.0));
            return Ok(());
        }
    };
    let found = async {
        let direct = connection.is_direct().await?;
        Ok((direct, identity(client).await? == identity(connection.client()).await?))
    };
    match found.await {
        Ok((_, false)) => report.problem(
            CHECK,
            format!("DIRECT_DATABASE_URL leads to {place}, to another database than DATABASE_URL: that one is migrated, and this one is served."),
            "Name the same database in both.",
        ),
        Ok((true, true)) => {
            report.ok(CHECK, format!("They go directly to {place}, by DIRECT_DATABASE_URL."));
            let lacks = needs(connection.client(), schema, true).await;
            report.lacks(&lacks.map_err(|error| Failure::no(explain(&error)))?);
        }
        Ok((false, true)) => report.warning(
            CHECK,
            format!("DIRECT_DATABASE_URL leads to {place}, where a pooler answers."),
            "Name the server itself.",
        ),
        Err(error) => report.problem(CHECK, format!("{place}: {}.", explain(&error)), "Try again."),
    }
    Ok(())
}

/// The same for two connections to one database, whatever is between.
async fn identity(client: &Client) -> Result<String, PgError> {
    let sql = "SELECT concat_ws(' ', oid, pg_postmaster_start_time()) FROM pg_database WHERE datname = current_database()";
    one(client, sql).await?.try_get(0)
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

const CHECK: &str = "encryption";
const REMEDY: &str = "Add sslmode=verify-full to the URL, and sslrootcert=FILE with the provider's own authority, or sslrootcert=system for a public one.";

pub async fn encryption(
    client: &Client,
    target: &Target,
    direct: bool,
    report: &mut Report,
) -> Result<(), PgError> {
    if !direct {
        // What the server knows is how the pooler came to it.
        let mut insisting = target.clone();
        insisting.config.ssl_mode(SslMode::Require);
        insisting.otherwise = None;
        let asked = target.config.get_ssl_mode() != SslMode::Disable;
        if asked && Connection::open(&insisting).await.is_ok() {
            proven("TLS to the pooler", target, report);
        } else {
            plain(target, report);
        }
        return Ok(());
    }
    let sql = "SELECT ssl, version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row = one(client, sql).await?;
    if row.try_get::<_, bool>(0)? {
        let (version, cipher): (String, String) = (row.try_get(1)?, row.try_get(2)?);
        proven(&format!("{version} with {cipher}"), target, report);
    } else {
        plain(target, report);
    }
    Ok(())
}

/// What TLS has made certain of, and what it has not.
fn proven(tls: &str, target: &Target, report: &mut Report) {
    let proof = match target.proof {
        Proof::Full => "a trusted authority vouches that it is the host that was called",
        Proof::Authority => {
            "a trusted authority vouches for the server, but not for the host's name"
        }
        Proof::Nothing => "encrypted, but nobody's identity is proven",
    };
    let given_up = match target.otherwise {
        Some(_) => ", and without TLS if the server says that it has none",
        None => "",
    };
    let detail = format!("{tls}: {proof}{given_up}.");
    let certain = target.proof != Proof::Nothing && target.otherwise.is_none();
    if certain || is_here(target) {
        report.ok(CHECK, detail);
    } else {
        report.warning(CHECK, detail, REMEDY);
    }
}

/// Whether nothing travels by a network.
fn is_here(target: &Target) -> bool {
    let here = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|it: IpAddr| it.is_loopback())
        }
    };
    let config = &target.config;
    config.get_hosts().iter().all(here) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

fn plain(target: &Target, report: &mut Report) {
    if is_here(target) {
        report.ok(CHECK, "None, and the server is on this machine.");
    } else {
        report.warning(CHECK, "Everything, passwords too, travels as it is.", REMEDY);
    }
}
