//! Who may what, and who holds what.

use tokio_postgres::{Client, Error as PgError};

use super::one;
use crate::commands::doctor::report::Report;

pub async fn role(client: &Client, report: &mut Report) -> Result<(), PgError> {
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
pub async fn walls(client: &Client, report: &mut Report) -> Result<(), PgError> {
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

pub async fn locks(client: &Client, report: &mut Report) -> Result<(), PgError> {
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
