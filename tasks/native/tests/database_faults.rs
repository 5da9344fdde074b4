//! Whatever keeps `serve` from working, `doctor` finds and says what to do: each fault on a real
//! server in that state.

#[path = "../../../native-host/tests/database_support/mod.rs"]
mod database_support;

use std::process::Command;

use serde_json::Value;
use trireme_testbed::{
    Database, Error, Folder, PgBouncer, PoolMode, Postgres, PostgresOptions, Server, ServerOptions,
    Until, require,
};

const TRIREME: &str = env!("CARGO_BIN_EXE_trireme");

/// What becomes of `serve`.
enum Serve {
    /// It ends with exit code 1 and says this.
    Stops(&'static str),
    /// It serves, not as it should.
    Suffers,
}
use Serve::{Stops, Suffers};

/// A fault: how serving takes it, and the check of doctor's and the words of its remedy.
struct Fault {
    name: &'static str,
    serve: Serve,
    check: &'static str,
    remedy: &'static str,
}

fn fault(name: &'static str, serve: Serve, check: &'static str, remedy: &'static str) -> Fault {
    Fault { name, serve, check, remedy }
}

impl Fault {
    /// `variables` lead to a database in that state.
    fn check(&self, variables: &[(&str, &str)]) {
        let Self { name, serve, check, remedy } = self;
        let output = Command::new(TRIREME)
            .args(["doctor", "--json"])
            .env_clear()
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap_or_else(|_| {
            panic!("{name}: {text}{}", String::from_utf8_lossy(&output.stderr))
        });
        let found = document["findings"].as_array().unwrap().iter().any(|finding| {
            finding["check"] == *check
                && finding["level"] == "problem"
                && finding["advice"].as_str().is_some_and(|advice| advice.contains(remedy))
        });
        assert!(found, "{name}: no problem of {check} with `{remedy}` in {document:#}");
        assert_eq!(output.status.code(), Some(1), "{name}");

        let options = ServerOptions::new(TRIREME).until(Until::Ready);
        let options = variables.iter().fold(options, |all, (name, value)| all.env(*name, *value));
        match (serve, Server::start(options)) {
            (Suffers, Ok(_)) => {}
            (Stops(words), Err(Error::Exited { status, log, .. })) => {
                assert_eq!(status.code(), Some(1), "{name}: {log}");
                assert!(log.contains(words), "{name}: no `{words}` in {log}");
            }
            (_, Ok(_)) => panic!("{name}: it serves"),
            (_, Err(error)) => panic!("{name}: {error}"),
        }
    }

    fn check_at(&self, url: &str) {
        self.check(&[("DATABASE_URL", url)]);
    }
}

fn migrate(url: &str) {
    let output = Command::new(TRIREME).arg("migrate").env_clear().env("DATABASE_URL", url).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A login that owns the database and may do nothing else.
fn plain_login(home: &Database) -> (String, String) {
    let login = format!("{}_plain", home.name());
    let sql = format!(
        "CREATE ROLE {login} LOGIN PASSWORD 'secret'; ALTER DATABASE {} OWNER TO {login}",
        home.name()
    );
    home.run_as_superuser(&sql).unwrap();
    let url = home.url();
    let place = url.split_once('@').unwrap().1;
    (format!("postgres://{login}:secret@{place}"), login)
}

/// Before the first migration.
#[test]
fn faults_of_an_empty_database() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let name_of = |home: &Database| home.name().to_owned();
    let cases = [
        (
            fault(
                "no CREATE",
                Stops("may not make tables"),
                "rights",
                "GRANT USAGE, CREATE ON SCHEMA",
            ),
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC, pg_database_owner",
        ),
        (
            fault("no schema", Stops("no schema to make tables in"), "rights", "CREATE SCHEMA"),
            "ALTER DATABASE {name} SET search_path = nowhere",
        ),
        (
            fault("read-only", Stops("read-only"), "writing", "default_transaction_read_only"),
            "ALTER DATABASE {name} SET default_transaction_read_only = on",
        ),
        (
            fault("few for the database", Suffers, "limits", "CONNECTION LIMIT"),
            "ALTER DATABASE {name} CONNECTION LIMIT 5",
        ),
    ];
    for (fault, state) in cases {
        let home = Database::create(postgres).unwrap();
        home.run_as_superuser(&state.replace("{name}", &name_of(&home))).unwrap();
        fault.check_at(&home.url());
    }

    let home = Database::create(postgres).unwrap();
    let (url, login) = plain_login(&home);
    fault("no CREATEROLE", Stops("may not create it"), "role", "CREATE ROLE trireme_user")
        .check_at(&url);
    let dry = Command::new(TRIREME)
        .args(["migrate", "--dry-run"])
        .env_clear()
        .env("DATABASE_URL", &url)
        .output()
        .unwrap();
    let words = String::from_utf8(dry.stderr).unwrap();
    assert_eq!(dry.status.code(), Some(1), "{words}");
    assert!(words.contains(" NOLOGIN; GRANT trireme_user_"), "{words}");
    home.run_as_superuser(&format!("ALTER ROLE {login} CREATEROLE CONNECTION LIMIT 5")).unwrap();
    fault("few for the role", Suffers, "limits", "ALTER ROLE").check_at(&url);
    home.run_as_superuser(&format!("DROP OWNED BY {login}; REASSIGN OWNED BY {login} TO postgres"))
        .unwrap();

    let home = Database::create(postgres).unwrap();
    let latin = format!("{}_latin", home.name());
    let sql = format!(
        "CREATE DATABASE {latin} OWNER trireme_owner ENCODING 'LATIN1' TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'"
    );
    home.run_as_superuser(&sql).unwrap();
    let url = home.url().replace(home.name(), &latin);
    fault("LATIN1", Stops("encoding is LATIN1"), "encoding", "ENCODING 'UTF8'").check_at(&url);
    home.run_as_superuser(&format!("DROP DATABASE {latin} WITH (FORCE)")).unwrap();

    let Some(bouncer) = require(PgBouncer::start(postgres, PoolMode::Statement, 5)) else { return };
    let statement = fault(
        "a statement each",
        Stops("one statement alone"),
        "transactions",
        "pool_mode = transaction",
    );
    statement.check_at(&bouncer.url(home.name()));
}

/// The schema is there, and something is done to it.
#[test]
fn faults_of_a_migrated_database() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let cases = [
        (
            fault("newer", Stops("newer than this build"), "schema", ""),
            "INSERT INTO schema_migrations VALUES (999, '0999_later', '', now(), 'trireme')",
        ),
        (
            fault("row_security", Suffers, "defaults", "RESET row_security"),
            "ALTER DATABASE {name} SET row_security = off",
        ),
        (
            fault("lock_timeout", Suffers, "defaults", "RESET lock_timeout"),
            "ALTER DATABASE {name} SET lock_timeout = 1",
        ),
        (fault("no policy", Suffers, "walls", "policies"), "DROP POLICY own ON tasks"),
        (
            fault("no wall", Suffers, "walls", "ENABLE ROW LEVEL SECURITY"),
            "ALTER TABLE tasks DISABLE ROW LEVEL SECURITY",
        ),
        (
            fault("a function is gone", Suffers, "rehearsal", "restore a backup"),
            "DROP FUNCTION enter_user",
        ),
        (
            fault("no rights for users", Suffers, "rehearsal", "settle_trireme_role"),
            "REVOKE ALL ON tasks FROM {role}",
        ),
        (
            fault("above the wall", Stops("above row-level security"), "role", "NOBYPASSRLS"),
            "ALTER ROLE {role} BYPASSRLS",
        ),
        (
            fault("the shared role again", Suffers, "role", "settle_trireme_role"),
            "GRANT SELECT ON users TO trireme_user",
        ),
    ];
    let template = Database::create(postgres).unwrap();
    migrate(&template.url());
    for (fault, state) in cases {
        let home = Database::from_template(postgres, template.name()).unwrap();
        // A copy, until it is settled.
        migrate(&home.url());
        let role = home.run("SELECT trireme_role()").unwrap();
        let state = state.replace("{name}", home.name()).replace("{role}", &role);
        home.run_as_superuser(&state).unwrap();
        fault.check_at(&home.url());
    }

    let copy = Database::from_template(postgres, template.name()).unwrap();
    fault("a copy", Suffers, "role", "trireme migrate")
        .check(&[("DATABASE_URL", &copy.url()), ("MIGRATE_ON_START", "false")]);

    // Everything is another login's.
    let (url, login) = plain_login(&template);
    fault("another's tables", Stops("does not own"), "rights", "REASSIGN OWNED").check_at(&url);
    template
        .run_as_superuser(&format!(
            "ALTER DATABASE {} OWNER TO trireme_owner; DROP ROLE {login}",
            template.name()
        ))
        .unwrap();

    let other = Database::create(postgres).unwrap();
    fault("two databases", Suffers, "migrations", "Name the same database")
        .check(&[("DATABASE_URL", &template.url()), ("DIRECT_DATABASE_URL", &other.url())]);
}

#[test]
fn faults_of_a_server() {
    let options = PostgresOptions {
        settings: vec![("max_connections".into(), "10".into())],
        ..PostgresOptions::default()
    };
    let Some(small) = require(Postgres::with(options)) else { return };
    let home = Database::create(&small).unwrap();
    fault("a small server", Suffers, "capacity", "raise max_connections").check_at(&home.url());

    let folder = Folder::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let url = format!("sqlite://{}/in/it.sqlite3", file.display());
    fault("no folder", Stops("it.sqlite3"), "file", "writable").check_at(&url);
}
