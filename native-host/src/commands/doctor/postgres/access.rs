//! Who may what, and who holds what.

use tokio_postgres::{Client, Error as PgError};

use super::one;
use crate::{commands::doctor::report::Report, program};

pub async fn role(client: &Client, report: &mut Report) -> Result<(), PgError> {
    const CHECK: &str = "role";
    let sql = "SELECT quote_ident(rolname), rolsuper, rolbypassrls, to_regprocedure('trireme_role()') IS NOT NULL
               FROM pg_roles WHERE rolname = current_user";
    let row = one(client, sql).await?;
    let name: String = row.try_get(0)?;
    let (superuser, bypasses, made): (bool, bool, bool) =
        (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    if superuser || bypasses {
        report.warning(
            CHECK,
            format!("{name} is {}.", if superuser { "a superuser" } else { "above row-level security" }),
            "Requests run in a role that is not, and are bound all the same; yet a role of its own that owns the database and no more is safer.",
        );
    } else {
        report.ok(CHECK, format!("{name} is no superuser and not above row-level security."));
    }
    if !made {
        return Ok(());
    }
    let sql = "SELECT trireme_role(), trireme_role() = trireme_role_due(),
                      pg_has_role(to_regrole(quote_ident(trireme_role_due())), 'MEMBER')";
    let row = one(client, sql).await?;
    let (role, own, member): (String, bool, Option<bool>) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    if !own {
        report.problem(
            CHECK,
            format!("This is a copy of another database: its requests run in {role}, which is the other's."),
            format!("`{} migrate` gives it a role of its own.", program::name()),
        );
    } else if member == Some(true) {
        report.ok(CHECK, format!("{name} may become {role}, in which requests run."));
    }
    shared(client, report).await
}

/// The role that was once one for all databases of a server: what it may do here, the login of
/// any other may do.
async fn shared(client: &Client, report: &mut Report) -> Result<(), PgError> {
    let sql = "SELECT string_agg(relname::text, ', ' ORDER BY relname), quote_ident(current_schema())
               FROM pg_class WHERE relnamespace = quote_ident(current_schema())::regnamespace
               AND EXISTS (SELECT FROM aclexplode(relacl) JOIN pg_roles ON pg_roles.oid = grantee
                           WHERE rolname ~ '^trireme_user(_\\d+_\\d+)?$' AND rolname <> trireme_role())";
    let row = one(client, sql).await?;
    if let Some(tables) = row.try_get::<_, Option<String>>(0)? {
        report.problem(
            "role",
            format!("The role of another database's users may use {tables} here."),
            "As the tables' owner: SELECT settle_trireme_role();",
        );
    }
    Ok(())
}

/// What the server, the database or the role sets for every session, where it gets in the way.
pub async fn defaults(client: &Client, report: &mut Report) -> Result<(), PgError> {
    const CHECK: &str = "defaults";
    let sql =
        "SELECT current_setting('default_transaction_isolation'), current_setting('row_security'),
                      (SELECT setting::int8 FROM pg_settings WHERE name = 'lock_timeout')";
    let row = one(client, sql).await?;
    let (isolation, row_security, lock_timeout): (String, String, i64) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    if row_security != "on" {
        report.problem(
            CHECK,
            "row_security is off for this role: every statement of a user would be refused.",
            "ALTER ROLE … RESET row_security; and look at the database and the server.",
        );
    }
    if (1..1000).contains(&lock_timeout) {
        report.problem(
            CHECK,
            format!(
                "lock_timeout is {lock_timeout} ms: whoever waits for another's change is refused."
            ),
            "ALTER ROLE … RESET lock_timeout; and look at the database and the server.",
        );
    }
    if isolation == "read committed" {
        report.ok(CHECK, "Nothing that the role or the database sets gets in the way.");
    } else {
        report.warning(
            CHECK,
            format!("Transactions are {isolation} unless they say otherwise."),
            "Trireme says so each time; on Spin alone it can't, and repeats what was refused: ALTER ROLE … SET default_transaction_isolation = 'read committed' spares it that.",
        );
    }
    Ok(())
}

/// Row-level security can be switched off by hand, table by table.
pub async fn walls(client: &Client, report: &mut Report) -> Result<(), PgError> {
    let sql = "SELECT string_agg(relname::text, ', ' ORDER BY relname), count(*)
               FROM pg_class c
               WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind = 'r' AND NOT relrowsecurity
               AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'user_id' AND NOT attisdropped)";
    let open: Option<String> = one(client, sql).await?.try_get(0)?;
    // A dump that was restored without its policies: nobody would see anything.
    let sql = "SELECT string_agg(relname::text, ', ' ORDER BY relname)
               FROM pg_class c
               WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind = 'r' AND relrowsecurity
               AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'user_id' AND NOT attisdropped)
               AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid)";
    if let Some(tables) = one(client, sql).await?.try_get::<_, Option<String>>(0)? {
        report.problem(
            "walls",
            format!("There is no policy for {tables}: users can't reach what is theirs."),
            "Restore the policies from a backup of the schema, or from the migrations.",
        );
    }
    match open {
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
