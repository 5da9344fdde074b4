//! How much room there is for connections.

use tokio_postgres::{Client, Error as PgError};
use trireme_core::config;

use super::one;
use crate::commands::doctor::report::Report;

/// What somebody has set: less than the pool wants, and requests will wait for one another, and
/// another instance or a migration may get none at all.
pub async fn limits(
    client: &Client,
    config: &config::Database,
    report: &mut Report,
) -> Result<(), PgError> {
    let sql = "SELECT quote_ident(rolname), CASE WHEN rolsuper THEN -1 ELSE rolconnlimit END::int8,
                      quote_ident(datname), CASE WHEN rolsuper THEN -1 ELSE datconnlimit END::int8
               FROM pg_roles, pg_database WHERE rolname = session_user AND datname = current_database()";
    let row = one(client, sql).await?;
    for (kind, at) in [("ROLE", 0), ("DATABASE", 2)] {
        let (name, limit): (String, i64) = (row.try_get(at)?, row.try_get(at + 1)?);
        let least = (config.pool_max as i64).saturating_add(1);
        if (0..least).contains(&limit) {
            report.problem(
                "limits",
                format!(
                    "The {} {name} may have {limit} connections. The pool takes up to {}, and migrating one.",
                    kind.to_lowercase(), config.pool_max
                ),
                format!(
                    "ALTER {kind} {name} CONNECTION LIMIT -1; or so many for each instance, or lower DATABASE_POOL_MAX to {} or less.",
                    (limit - 1).max(1)
                ),
            );
        }
    }
    Ok(())
}

/// What is left of the server's own.
pub async fn free(client: &Client, wanted: usize, report: &mut Report) -> Result<(), PgError> {
    const CHECK: &str = "capacity";
    let sql = "SELECT current_setting('max_connections')::int8,
                      current_setting('superuser_reserved_connections')::int8
                      + COALESCE(current_setting('reserved_connections', true), '0')::int8,
                      (SELECT sum(numbackends)::int8 FROM pg_stat_database)";
    let row = one(client, sql).await?;
    let (most, reserved, used): (i64, i64, i64) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let detail = format!(
        "The server has {most} connections: {reserved} reserved, {used} in use. The pool takes up to {wanted}."
    );
    let advice = "Each instance takes as many. Lower DATABASE_POOL_MAX (twice the server's cores is often best), raise max_connections, or put a pooler between.";
    if wanted as i64 > most - reserved {
        report.problem(CHECK, detail, advice);
    } else if wanted as i64 > most - reserved - used {
        report.warning(CHECK, detail, advice);
    } else {
        report.ok(CHECK, detail);
    }
    Ok(())
}
