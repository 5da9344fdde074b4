//! What the server has to offer and the role has to be allowed, and what to do where it is not
//! so. Migrating asks before it begins, serving before it is ready, `trireme doctor` at any time.

use std::fmt;

use tokio_postgres::{Client, Error as PgError, Row};
use trireme_core::postgres::BEGIN;

/// The oldest server whose SQL the migrations are written in.
pub const OLDEST: i32 = 14;

/// The checks that there are.
pub const TRANSACTIONS: &str = "transactions";
pub const VERSION: &str = "version";
pub const ENCODING: &str = "encoding";
pub const WRITING: &str = "writing";
pub const RIGHTS: &str = "rights";
pub const ROLE: &str = "role";

/// Something that is missing. Both texts are whole sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    pub check: &'static str,
    pub detail: String,
    pub remedy: String,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.detail, self.remedy)
    }
}

/// What has to be possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Something at least: what can be read is served while writing is refused.
    Starting,
    Serving,
    /// The schema is changed; `from_nothing` when no migration is applied yet.
    Migrating {
        from_nothing: bool,
    },
}

/// Everything that is lacking for `purpose`; it changes nothing.
pub async fn lacks(client: &Client, purpose: Purpose) -> Result<Vec<Lack>, PgError> {
    let mut all = Lacks(Vec::new());
    if let Some(lack) = no_transaction(client).await? {
        return Ok(vec![lack]);
    }
    server(client, purpose, &mut all).await?;
    if let Purpose::Migrating { .. } = purpose {
        schema(client, &mut all).await?;
    }
    roles(client, purpose, &mut all).await?;
    owner(client, &mut all).await?;
    client.batch_execute("COMMIT").await?;
    Ok(all.0)
}

struct Lacks(Vec<Lack>);

impl Lacks {
    fn add(&mut self, check: &'static str, detail: String, remedy: impl Into<String>) {
        self.0.push(Lack { check, detail, remedy: remedy.into() });
    }
}

/// Opens a transaction, in which the rest is asked, or says why there are none.
async fn no_transaction(client: &Client) -> Result<Option<Lack>, PgError> {
    // Word by word: a pooler that lends its connections for one statement notices it at the end
    // of the first.
    let begun = match client.batch_execute(BEGIN).await {
        Ok(()) => client.batch_execute("SELECT 1").await,
        error => error,
    };
    let Err(error) = begun else { return Ok(None) };
    let Some(server) = error.as_db_error() else { return Err(error) };
    if !server.message().contains("statement pooling") {
        return Err(error);
    }
    Ok(Some(Lack {
        check: TRANSACTIONS,
        detail: "The pooler lends a connection for one statement alone (pool_mode = statement): there are no transactions.".into(),
        remedy: "Set pool_mode = transaction, or name the server itself.".into(),
    }))
}

/// Nothing is prepared: there may be a pooler.
async fn one(client: &Client, sql: &str) -> Result<Row, PgError> {
    client.query_typed_one(sql, &[]).await
}

async fn server(client: &Client, purpose: Purpose, lacks: &mut Lacks) -> Result<(), PgError> {
    let sql =
        "SELECT current_setting('server_version'), current_setting('server_version_num')::int,
                      current_setting('server_encoding'), pg_is_in_recovery(),
                      current_setting('transaction_read_only') = 'on'";
    let row = one(client, sql).await?;
    let (version, number, encoding): (String, i32, String) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    if number < OLDEST * 10_000 {
        lacks.add(
            VERSION,
            format!("PostgreSQL {version} is too old."),
            format!("Use {OLDEST} or newer; 15 is what the tests run on."),
        );
    }
    if encoding != "UTF8" {
        lacks.add(
            ENCODING,
            format!("The database's encoding is {encoding}: it can't hold every text."),
            "Make a new one: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0; and carry the data over by pg_dump.",
        );
    }
    let (standby, read_only): (bool, bool) = (row.try_get(3)?, row.try_get(4)?);
    if purpose == Purpose::Starting {
        return Ok(());
    }
    if standby {
        lacks.add(
            WRITING,
            "This server is a standby: it can only be read.".into(),
            "Name the primary; with several hosts in the URL, add target_session_attrs=read-write.",
        );
    } else if read_only {
        lacks.add(
            WRITING,
            "Transactions are read-only here.".into(),
            "Look at default_transaction_read_only of the server, the database and the role; a provider sets it when the disk is full.",
        );
    }
    Ok(())
}

/// Where tables are made.
async fn schema(client: &Client, lacks: &mut Lacks) -> Result<(), PgError> {
    let sql = "SELECT current_schema()::text, has_schema_privilege(current_schema(), 'CREATE'),
                      quote_ident(current_user), current_setting('search_path')";
    let row = one(client, sql).await?;
    let (schema, may_create): (Option<String>, Option<bool>) = (row.try_get(0)?, row.try_get(1)?);
    let (user, path): (String, String) = (row.try_get(2)?, row.try_get(3)?);
    match schema {
        None => lacks.add(
            RIGHTS,
            format!("There is no schema to make tables in: none of search_path ({path}) exists, or {user} may use none."),
            format!("As its owner: CREATE SCHEMA app AUTHORIZATION {user}; ALTER ROLE {user} SET search_path = app;"),
        ),
        Some(schema) if may_create != Some(true) => lacks.add(
            RIGHTS,
            format!("{user} may not make tables in the schema {schema}."),
            format!("As the database's owner: GRANT USAGE, CREATE ON SCHEMA \"{schema}\" TO {user};"),
        ),
        Some(_) => {}
    }
    Ok(())
}

/// The roles that requests run in: the first migration makes one for the whole server, a later
/// one another for this schema alone. What is to be made or granted yet, migrating and starting
/// do if they may.
async fn roles(client: &Client, purpose: Purpose, lacks: &mut Lacks) -> Result<(), PgError> {
    let migrating = matches!(purpose, Purpose::Migrating { .. });
    let settling = purpose != Purpose::Serving;
    let shared = purpose == Purpose::Migrating { from_nothing: true };
    let sql = format!(
        "WITH needed (name) AS (
           SELECT 'trireme_user' WHERE {shared}
           UNION ALL
           SELECT format('trireme_user_%s_%s', d.oid, n.oid) FROM pg_database d, pg_namespace n
           WHERE d.datname = current_database() AND n.nspname = current_schema()
           AND ({migrating} OR to_regprocedure('trireme_role()') IS NOT NULL)
         ), me AS (
           SELECT oid, quote_ident(rolname) AS name, rolsuper, rolcreaterole,
                  current_setting('server_version_num')::int >= 160000 AS strict
           FROM pg_roles WHERE rolname = current_user
         )
         SELECT needed.name, me.name, r.oid IS NOT NULL,
           {settling} AND (me.rolsuper OR me.rolcreaterole),
           r.oid IS NOT NULL AND (
             pg_has_role(me.oid, r.oid, CASE WHEN strict THEN 'SET' ELSE 'MEMBER' END)
             OR {settling} AND (pg_has_role(me.oid, r.oid, 'MEMBER WITH ADMIN OPTION')
                                 OR me.rolcreaterole AND NOT strict)),
           COALESCE(r.rolsuper OR r.rolbypassrls, false)
         FROM me, needed LEFT JOIN pg_roles r ON r.rolname = needed.name"
    );
    for row in client.query_typed(&sql, &[]).await? {
        let (role, me): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let (exists, creates, enters, unbound): (bool, bool, bool, bool) =
            (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
        if !exists && !creates {
            lacks.add(
                ROLE,
                if settling {
                    format!("The role {role} is missing, and {me} may not create it.")
                } else {
                    format!("The role {role}, in which requests run, is missing.")
                },
                format!("As an administrator: CREATE ROLE {role} NOLOGIN; GRANT {role} TO {me};"),
            );
        } else if exists && !enters {
            lacks.add(
                ROLE,
                format!("{me} may not become {role}, in which requests run."),
                format!("As an administrator: GRANT {role} TO {me};"),
            );
        }
        if unbound {
            lacks.add(
                ROLE,
                format!("The role {role} is above row-level security: one user could see another's data."),
                format!("As an administrator: ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS;"),
            );
        }
    }
    Ok(())
}

/// Serving reads what belongs to nobody's requests as the tables' owner, and only an owner may
/// change them.
async fn owner(client: &Client, lacks: &mut Lacks) -> Result<(), PgError> {
    let sql = "SELECT string_agg(relname::text, ', ' ORDER BY relname),
                      string_agg(DISTINCT quote_ident(pg_get_userbyid(relowner)), ', '), quote_ident(current_user)
               FROM pg_class
               WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
               AND relkind IN ('r', 'p') AND NOT pg_has_role(relowner, 'USAGE')
               AND (relname = 'schema_migrations' OR relrowsecurity AND EXISTS (
                    SELECT FROM pg_class WHERE relname = 'schema_migrations' AND relnamespace = quote_ident(current_schema())::regnamespace))";
    let row = one(client, sql).await?;
    let (tables, owner): (Option<String>, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    let me: String = row.try_get(2)?;
    if let (Some(tables), Some(owner)) = (tables, owner) {
        lacks.add(
            RIGHTS,
            format!("{me} does not own {tables}: they are {owner}'s."),
            format!(
                "As an administrator: REASSIGN OWNED BY {owner} TO {me}; or connect as {owner}."
            ),
        );
    }
    Ok(())
}
