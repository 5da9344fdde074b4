//! What is done once, before the first request.

use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::time::sleep;
use trireme_core::{
    config::{self, Config},
    migrations::Series,
};

use crate::{
    commands::Failure,
    database::{
        Database,
        migrate::{MigrateError, Migrator},
    },
    program::name,
    server::{EXTRAS, Limits},
};

/// Every connection is an open file, and the usual soft limit of 1024 is for programs that
/// still use `select`. The hard limit is the system's own.
pub fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if setrlimit(Resource::Nofile, limit).is_err() {
        tracing::debug!("the limit of open files could not be raised");
    }
}

/// Open files besides connections: listeners, threads, SQLite, logs.
const OTHER_FILES: u64 = 128;

/// The limits of what clients take. Of connections there are no more than the process can open
/// files, or it would accept none at all, not even a health probe's.
pub fn limits(config: &Config) -> Limits {
    let usual = Limits::default();
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let others = OTHER_FILES + (EXTRAS + config.database.pool_max) as u64;
    let connections = files.saturating_sub(others).clamp(16, usual.connections as u64) as usize;
    if connections < usual.connections {
        tracing::warn!(connections, "the limit of open files bounds the number of connections");
    }
    Limits { connections, connections_per_address: config.listen.connections_per_address, ..usual }
}

/// Pauses between attempts; a database that is back is noticed within the longest.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// Brings the schema up to this build, however long the database is away. A fault that trying
/// again won't mend is an error.
pub async fn migrate(
    config: &config::Database,
    database: &Database,
    series: Series,
) -> Result<(), Failure> {
    let mut pauses = PAUSES.into_iter().chain(std::iter::repeat(PAUSES[3]));
    loop {
        let migrator = database.migrator(series);
        let result = if config.migrate_on_start {
            migrator.migrate(None, |_| ()).await.map(drop)
        } else {
            look(&migrator).await
        };
        match result {
            Ok(()) => return Ok(()),
            Err(
                error @ (MigrateError::Unreachable(_)
                | MigrateError::Locked { .. }
                | MigrateError::Interrupted { .. }),
            ) => {
                tracing::warn!(%error, "not ready yet; trying again");
                database.make_room();
                sleep(pauses.next().unwrap_or_default()).await;
            }
            Err(error) => {
                return Err(Failure::no(format!("The start stops: {}", error.sentence())));
            }
        }
    }
}

/// Where migrating is a step of its own: the schema may be older (the warning says so), but
/// not newer.
async fn look(migrator: &Migrator<'_>) -> Result<(), MigrateError> {
    let pending = migrator.pending(None).await?;
    if !pending.is_empty() {
        let names: Vec<_> = pending.iter().map(|migration| migration.name).collect();
        tracing::warn!(
            pending = names.join(", "),
            "the schema is older than this build: run `{} migrate`",
            name()
        );
    }
    Ok(())
}
