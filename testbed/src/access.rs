use std::process::Command;

use crate::{Error, Result, find_program};

/// Owns the tests' databases. Like the role that a managed provider hands out: it may
/// create roles and databases, but is neither superuser nor above row-level security.
pub(crate) const OWNER: &str = "trireme_owner";

/// How to reach a PostgreSQL server. Superuser and owner have the same password, so that
/// one URL in the environment tells both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub superuser: String,
    pub password: String,
    pub host: String,
    pub port: u16,
}

impl Access {
    /// Reads `postgres://user:password@host:port/anything`, without escapes or parameters.
    pub fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"))?;
        let (credentials, rest) = rest.split_once('@')?;
        let (superuser, password) = credentials.split_once(':')?;
        let (host, port) = rest.split('/').next()?.rsplit_once(':')?;
        Some(Self {
            superuser: superuser.into(),
            password: password.into(),
            host: host.into(),
            port: port.parse().ok()?,
        })
    }

    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}:{}@{}:{}/{database}", self.password, self.host, self.port)
    }

    /// Runs SQL through psql and returns what it printed: unaligned, columns parted by `|`.
    /// Several statements run in one transaction.
    pub fn psql(&self, user: &str, database: &str, sql: &str) -> Result<String> {
        let output = Command::new(find_program("psql")?)
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .env("PGHOST", &self.host)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", user)
            .env("PGPASSWORD", &self.password)
            .env("PGDATABASE", database)
            .env("PGCONNECT_TIMEOUT", "10")
            .output()
            .map_err(|error| Error::doing("starting psql", error))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
        } else {
            Err(Error::doing(
                format!("psql in {database} as {user}"),
                String::from_utf8_lossy(&output.stderr).trim(),
            ))
        }
    }

    /// Several test processes may come here at once, hence no look before the leap.
    pub fn create_owner(&self) -> Result<()> {
        let sql = format!(
            "DO $$ BEGIN
               CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE NOSUPERUSER NOBYPASSRLS PASSWORD '{}';
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
            self.password
        );
        self.psql(&self.superuser, "postgres", &sql).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_its_own_url() {
        let access = Access {
            superuser: "postgres".into(),
            password: "secret".into(),
            host: "127.0.0.1".into(),
            port: 20_001,
        };
        assert_eq!(Access::parse(&access.url("postgres", "postgres")), Some(access));
    }

    #[test]
    fn refuses_a_url_without_password_or_port() {
        assert_eq!(Access::parse("postgres://postgres@127.0.0.1:5432/x"), None);
        assert_eq!(Access::parse("postgres://postgres:secret@127.0.0.1/x"), None);
        assert_eq!(Access::parse("mysql://a:b@c:1/x"), None);
    }
}
