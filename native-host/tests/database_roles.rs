//! Several databases on one server: the login of one is nobody in another.

mod database_support;

use std::process::Command;

use trireme::series;
use trireme_core::{
    Uuid,
    host::{Database as _, Scope},
};
use trireme_native::database::{Database, migrate::MigrateError};
use trireme_tasks::Tasks;
use trireme_testbed::{Postgres, find_program, require};

use database_support::{User, config, counted, create_context, open};

/// A database with an owner who may log in, and nothing else.
struct Place {
    home: trireme_testbed::Database,
    login: String,
}

const PASSWORD: &str = "secret";

impl Place {
    fn new(postgres: &Postgres, name: &str) -> Self {
        let home = trireme_testbed::Database::create(postgres).unwrap();
        let login = format!("{}_{name}", home.name());
        let sql = format!(
            "CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}'; ALTER DATABASE {} OWNER TO {login}",
            home.name()
        );
        home.run_as_superuser(&sql).unwrap();
        Self { home, login }
    }

    fn url(&self, login: &str) -> String {
        let url = self.home.url();
        let place = url.split_once('@').unwrap().1;
        format!("postgres://{login}:{PASSWORD}@{place}")
    }

    fn open(&self) -> Database {
        open(&config(&self.url(&self.login)))
    }

    /// What `login` gets for `sql` here.
    fn psql(&self, login: &str, sql: &str) -> Result<String, String> {
        let output = Command::new(find_program("psql").unwrap())
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(self.url(login))
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap().trim().to_owned();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// Migrates to a version; an administrator does meanwhile what the refusals say.
    async fn migrate(&self, to: Option<i64>) {
        let database = self.open();
        let Err(refused) = database.migrator(series::<Tasks>()).migrate(to, |_| ()).await else {
            return;
        };
        let MigrateError::Lacking(lacks) = &refused else { panic!("{refused}") };
        for lack in lacks {
            let statements = lack.remedy.strip_prefix("As an administrator: ").unwrap();
            self.home.run_as_superuser(statements).unwrap();
        }
        database.migrator(series::<Tasks>()).migrate(to, |_| ()).await.unwrap();
    }

    fn role(&self) -> String {
        self.psql(&self.login, "SELECT trireme_role()").unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let sql = format!("REASSIGN OWNED BY {0} TO postgres; DROP OWNED BY {0}", self.login);
        let _ = self.home.run_as_superuser(&sql);
    }
}

/// Every role that `login` may become, tried on another's users.
fn can_read(place: &Place, login: &str, user: Uuid) -> bool {
    let roles = place.psql(login, "SELECT rolname FROM pg_roles WHERE pg_has_role(oid, 'MEMBER')");
    roles.unwrap().lines().any(|role| {
        let sql = format!(
            "SET ROLE {role}; SELECT set_config('trireme.user_id', '{user}', false); SELECT email FROM users"
        );
        let own = format!("SELECT enter_user('{user}', NULL); SELECT email FROM users");
        [sql, own].iter().any(|sql| {
            place.psql(login, sql).is_ok_and(|found| found.contains("@example.com"))
        })
    })
}

#[tokio::test]
async fn a_login_of_staging_is_nobody_in_production() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let [production, staging] = ["production", "staging"].map(|name| Place::new(postgres, name));
    production.migrate(Some(3)).await;
    let database = production.open();
    let user = User::create(&database, 1).await;
    staging.migrate(Some(3)).await;
    assert!(can_read(&production, &staging.login, user.id), "as it was: the fault is real");

    production.migrate(None).await;
    staging.migrate(None).await;
    assert!(!can_read(&production, &staging.login, user.id));
    assert_ne!(production.role(), staging.role());
    let context = create_context(Uuid::from_u128(9), user.id, "private");
    database.batch(user.scope(), &[context]).await.unwrap();
    assert_eq!(counted(&database, user.scope(), "contexts").await, 1, "users have what is theirs");
    let rights = production
        .psql(&production.login, "SELECT count(*) FROM pg_class, aclexplode(relacl) WHERE grantee = 'trireme_user'::regrole")
        .unwrap();
    assert_eq!(rights, "0", "the shared role may do nothing here");
    let other = staging.open();
    let guest = User::create(&other, 1).await;
    assert_eq!(counted(&other, guest.scope(), "users").await, 1);
}

/// A copy brings along the name of the original's role; a dump without its rights brings none.
#[tokio::test]
async fn a_copy_gets_a_role_of_its_own() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let original = trireme_testbed::Database::create(postgres).unwrap();
    let user = {
        let database = open(&config(&original.url()));
        database.migrator(series::<Tasks>()).migrate(None, |_| ()).await.unwrap();
        User::create(&database, 1).await
    };
    let name = original.name().to_owned();
    let copied = move || trireme_testbed::Database::from_template(postgres, &name).unwrap();
    let copy = tokio::task::spawn_blocking(copied).await.unwrap();
    let restored = trireme_testbed::Database::create(postgres).unwrap();
    let dump = Command::new(find_program("pg_dump").unwrap())
        .args(["--no-acl", "--no-owner", "--dbname"])
        .arg(original.url())
        .output()
        .unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    // psql's own commands in it are of no use to a single statement.
    let sql = String::from_utf8(dump.stdout).unwrap();
    let file = trireme_testbed::Folder::new().unwrap();
    let path = file.path().join("dump.sql");
    std::fs::write(&path, sql).unwrap();
    let loaded = Command::new(find_program("psql").unwrap())
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"])
        .args([path.to_str().unwrap(), &restored.url()])
        .output()
        .unwrap();
    assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));

    let role = |home: &trireme_testbed::Database| home.run("SELECT trireme_role()").unwrap();
    for home in [&copy, &restored] {
        assert_eq!(role(home), role(&original));
        let database = open(&config(&home.url()));
        database.migrator(series::<Tasks>()).migrate(None, |_| ()).await.unwrap();
        assert_ne!(role(home), role(&original));
        assert_eq!(counted(&database, user.scope(), "users").await, 1);
        let rights = format!(
            "SELECT count(*) FROM pg_class, aclexplode(relacl) WHERE grantee = '{}'::regrole",
            role(&original)
        );
        assert_eq!(home.run(&rights).unwrap(), "0");
    }
}

/// Two products in one database, each with a schema.
#[tokio::test]
async fn a_schema_has_a_role_of_its_own() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    let mut roles = Vec::new();
    for schema in ["one", "Two-2"] {
        home.run(&format!("CREATE SCHEMA \"{schema}\"")).unwrap();
        let url = format!("{}?options=-c%20search_path=%22{schema}%22", home.url());
        let database = open(&config(&url));
        database.migrator(series::<Tasks>()).migrate(None, |_| ()).await.unwrap();
        let user = User::create(&database, 1).await;
        assert_eq!(counted(&database, user.scope(), "users").await, 1);
        roles.push(home.run(&format!("SELECT \"{schema}\".trireme_role()")).unwrap());
        assert_eq!(counted(&database, Scope::Service, "users").await, 1);
    }
    assert_ne!(roles[0], roles[1]);
}
