//! What the log says first: to people where everything is, to programs one record.

use std::{fmt::Write as _, net::SocketAddr};

use trireme::About;
use trireme_core::{
    config::{Config, DatabaseUrl, Environment, LogFormat, Transport, variables::warn_of_ignored},
    printable::printable_lines,
};

use crate::{commands::config::is_set, logging, program::name, server::Bound};

/// Where the process listens.
pub struct Places {
    api: SocketAddr,
    admin: Option<SocketAddr>,
    ipv4_only: bool,
}

impl Places {
    pub fn of(api: &Bound, admin: Option<&Bound>) -> Self {
        Self { api: api.address, admin: admin.map(|bound| bound.address), ipv4_only: api.ipv4_only }
    }
}

pub fn started(about: &About, config: &Config, places: &Places, logging: &logging::Guard) {
    let people =
        config.environment == Environment::Development && config.log.format == LogFormat::Pretty;
    if people {
        logging.write(&printable_lines(&banner(about, config, places)));
    } else {
        let admin = places.admin.map(|address| address.to_string());
        tracing::info!(
            version = about.version,
            environment = config.environment.as_str(),
            address = %places.api,
            admin,
            database = database(&config.database.url),
            threads = crate::host::cores(),
            "listening"
        );
    }
    if places.ipv4_only {
        tracing::warn!("this machine has no IPv6: listening on IPv4 alone");
    }
    warn_of_ignored(is_set);
}

fn banner(about: &About, config: &Config, places: &Places) -> String {
    let api = url(places.api);
    let mut text = format!(
        "\n  {} {} ({})\n\n  API       {api}/api/v1\n",
        about.title,
        about.version,
        config.environment.as_str()
    );
    if config.http.api_docs {
        let _ = writeln!(text, "  Docs      {api}/docs");
    }
    if matches!(config.mail.transport, Transport::Shown) {
        let _ = writeln!(text, "  Mail      {api}/dev/mail");
    }
    if let Some(admin) = places.admin {
        let _ = writeln!(text, "  Metrics   {}/metrics", url(admin));
    }
    let database = match &config.database.url {
        DatabaseUrl::Sqlite(path) => format!("SQLite, {path}"),
        DatabaseUrl::Postgres(_) => "PostgreSQL".to_owned(),
        DatabaseUrl::Binding(scheme, name) => format!("{scheme}, {name}"),
    };
    let _ = writeln!(text, "  Database  {database}");
    let _ = writeln!(
        text,
        "  Settings  environment variables; `{} config` shows and explains them",
        name()
    );
    if config.auth.required {
        let _ = writeln!(
            text,
            "  Try       curl -s {api}/api/v1/auth/register \\\n\
             \x20             -H 'content-type: application/json' \\\n\
             \x20             -d '{{\"email\":\"ada@example.com\",\"password\":\"correct horse battery\"}}'"
        );
    } else {
        let _ = writeln!(
            text,
            "  Try       curl -s {api}/api/v1/users/me\n  Sign-in   off: every caller is one local user"
        );
    }
    text.push('\n');
    text
}

/// How a browser on this machine reaches the address.
fn url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() || address.ip().is_loopback() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

fn database(url: &DatabaseUrl) -> &'static str {
    match url {
        DatabaseUrl::Postgres(_) => "postgres",
        DatabaseUrl::Sqlite(_) => "sqlite",
        DatabaseUrl::Binding(scheme, _) => scheme,
    }
}
