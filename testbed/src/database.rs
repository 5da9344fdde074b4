use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::access::{Access, OWNER};
use crate::child::poll;
use crate::{Postgres, Result};

/// An empty database for one test, dropped with it.
pub struct Database {
    access: Access,
    name: String,
}

impl Database {
    pub fn create(postgres: &Postgres) -> Result<Self> {
        Self::create_as(postgres, "")
    }

    /// A copy of another database of the same server, which nobody may be connected to
    /// while it is copied.
    pub fn from_template(postgres: &Postgres, template: &str) -> Result<Self> {
        Self::create_as(postgres, &format!(" TEMPLATE {template}"))
    }

    fn create_as(postgres: &Postgres, how: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let access = postgres.access().clone();
        let sql = format!("CREATE DATABASE {name}{how}");
        // A connection to the template that is closing, or autovacuum's, goes away by itself.
        let mut refusal = None;
        let created =
            poll(Duration::from_secs(10), || match access.psql(OWNER, "postgres", &sql) {
                Err(error) if error.to_string().contains("being accessed by other users") => {
                    refusal = Some(error);
                    None
                }
                result => Some(result),
            })?;
        match (created, refusal) {
            (None, Some(refusal)) => Err(refusal),
            _ => Ok(Self { access, name }),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// For its owner, who is no superuser: what `DATABASE_URL` should be.
    pub fn url(&self) -> String {
        self.access.url(OWNER, &self.name)
    }

    pub fn superuser_url(&self) -> String {
        self.access.url(&self.access.superuser, &self.name)
    }

    /// Runs SQL as the owner and returns what psql printed: one line a row, columns parted
    /// by `|`.
    pub fn run(&self, sql: &str) -> Result<String> {
        self.access.psql(OWNER, &self.name, sql)
    }

    pub fn run_as_superuser(&self, sql: &str) -> Result<String> {
        self.access.psql(&self.access.superuser, &self.name, sql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server that a fault test has stopped takes its databases with it.
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let _ = self.access.psql(&self.access.superuser, "postgres", &sql);
    }
}
