//! What is sent to the database: Trireme's own texts, as the test below checks.

use std::borrow::Cow;

use trireme::{
    Timestamp, Uuid,
    serde_json::{Value, json},
    validate::{Fields, Input},
};
use trireme_core::{host::Scope, sqlite};
use trireme_tasks::tasks::{create, list, sql, update};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sql {
    Begin,
    /// Proves that the session is alive, and takes the role that row-level security binds.
    Enter,
    /// Proves the same in its own role; the database needs check_user.sql beside Trireme's schema.
    Check,
    Commit,
    Get,
    /// The read alone, as one would write it who knows of no deleted contexts.
    GetAlone,
    List,
    Create,
    Update,
    ForgetKey,
    TakeKey,
    ReleaseKey,
    KeyHolder,
}

impl Sql {
    pub const COUNT: usize = Self::KeyHolder as usize + 1;

    pub fn text(self) -> Cow<'static, str> {
        let (nobody, never) = (Uuid::nil(), Timestamp::from_millis(0));
        match self {
            Self::Begin => "BEGIN ISOLATION LEVEL READ COMMITTED".into(),
            Self::Enter => "SELECT enter_user($1, $2)".into(),
            Self::Check => "SELECT check_user($1, $2)".into(),
            Self::Commit => "COMMIT".into(),
            Self::Get => sql::get(nobody, nobody).text,
            Self::GetAlone => "SELECT id, title, description, status, priority, due_at, context_id,
                 completed_at, created_at, updated_at, version
                 FROM tasks WHERE user_id = $1 AND id = $2"
                .into(),
            Self::List => {
                let list = sql::list(nobody, &input::<list::Filter>(json!({}))).text;
                (list + "\nORDER BY created_at DESC, id DESC LIMIT $2").into_owned().into()
            }
            Self::Create => {
                let input = input::<create::Input>(json!({ "title": "T" }));
                sql::create(nobody, &input.task(nobody, never), None).text
            }
            Self::Update => {
                let change = input::<update::Input>(json!({}));
                sql::update(nobody, nobody, &change, trireme::sql::Value::Null, never).text
            }
            Self::ForgetKey => "-- forget_idempotency_key
                 DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND expires_at <= $3"
                .into(),
            Self::TakeKey => "-- take_idempotency_key
                 INSERT INTO idempotency_keys
                     (user_id, key, fingerprint, record_id, response, expires_at)
                 VALUES ($1, $2, $3, $4, '', $5)
                 ON CONFLICT (user_id, key) DO NOTHING"
                .into(),
            Self::ReleaseKey => "-- release_idempotency_key
                 DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND record_id = $3
                 AND NOT EXISTS (SELECT 1 FROM tasks WHERE id = $3)"
                .into(),
            Self::KeyHolder => "-- get_idempotency_key
                 SELECT record_id, fingerprint, expires_at FROM idempotency_keys
                 WHERE user_id = $1 AND key = $2"
                .into(),
        }
    }
}

/// What proves on SQLite that the session is alive; its arguments are session and user.
pub fn enter_on_sqlite() -> Cow<'static, str> {
    let scope = Scope::User { user: Uuid::nil(), session: Some(Uuid::nil()) };
    sqlite::enter(scope).expect("a user's batch begins with entering").text
}

fn input<T: Input>(body: Value) -> T {
    let input = Fields::of_body(body).and_then(Fields::input);
    input.unwrap_or_else(|error| panic!("an input of Trireme's is not as expected: {error:?}"))
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, future::pending, time::Duration};

    use futures_util::FutureExt as _;
    use http::{Request, Response, StatusCode};
    use trireme::{App, Bytes};
    use trireme_core::{
        config::{Config, Platform},
        host::{Backend, Busy, Database, Host, HostKind, Peer},
        http::call::{Call, FetchError},
        sql::{DatabaseError, Statement},
    };
    use trireme_tasks::Tasks;

    use super::*;

    /// A host and a database that write down what is sent, and find nothing.
    #[derive(Default)]
    struct Recorder(RefCell<Vec<String>>);

    impl Host for Recorder {
        type Database = Self;
        fn kind(&self) -> HostKind {
            HostKind::Native
        }
        fn database(&self) -> &Self {
            self
        }
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_795_176_000_000)
        }
        fn random(&self, out: &mut [u8]) {
            out.fill(7);
        }
        fn sleep(&self, _: Duration) -> impl Future<Output = ()> {
            pending()
        }
        async fn compute<T: Send + 'static>(
            &self,
            work: impl FnOnce() -> T + Send + 'static,
        ) -> Result<T, Busy> {
            Ok(work())
        }
        async fn fetch(&self, _: Call) -> Result<Response<Bytes>, FetchError> {
            Err(FetchError::Refused("nobody is called here"))
        }
        fn later(&self, _: impl AsyncFnOnce(&Self) + 'static) {}
    }

    impl Database for Recorder {
        type Row = sqlite::Row;
        fn backend(&self) -> Backend {
            Backend::Postgres
        }
        async fn batch(
            &self,
            scope: Scope,
            statements: &[Statement<'_>],
        ) -> Result<Vec<Vec<sqlite::Row>>, DatabaseError> {
            if scope != Scope::Service {
                self.0.borrow_mut().extend(statements.iter().map(|it| words(&it.text)));
            }
            Ok(statements.iter().map(|_| vec![sqlite::Row(vec![])]).collect())
        }
    }

    fn words(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What Trireme sends in the name of a user for a request.
    fn sent(method: &str, path: &str, key: Option<&str>, body: &'static str) -> Vec<String> {
        let variables = |name: &str| {
            let value = match name {
                "DATABASE_URL" => "postgres://nobody@127.0.0.1/none",
                "AUTH_REQUIRED" => "false",
                "ALLOWED_HOSTS" => "localhost",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let platform =
            Platform { spare: Some(trireme_core::Secret::default()), ..Platform::default() };
        let config = Config::from_variables(variables, &platform, &[]).unwrap();
        let (app, host) = (App::new::<Tasks>(config), Recorder::default());
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/tasks{path}"))
            .header("host", "localhost")
            .header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Bytes::from_static(body.as_bytes())).unwrap();
        let answered = trireme::dispatch(&app, &host, Peer::UNKNOWN, request);
        let response = answered.now_or_never().unwrap().response;
        // No row is as the handlers expect; but the request got so far.
        let body = String::from_utf8_lossy(response.body()).into_owned();
        assert!(response.status() != StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        host.0.into_inner()
    }

    /// If Trireme sends something else, the comparison has to follow it.
    #[test]
    fn the_statements_are_triremes() {
        let id = "/0191f0a0-0000-7000-8000-000000000000";
        let ours = |all: &[Sql]| all.iter().map(|it| words(&it.text())).collect::<Vec<_>>();
        assert_eq!(sent("GET", id, None, ""), ours(&[Sql::Get]));
        assert_eq!(sent("GET", "?limit=20", None, ""), ours(&[Sql::List]));
        assert_eq!(sent("POST", "", None, r#"{"title":"T"}"#), ours(&[Sql::Create]));
        let keyed = [Sql::ForgetKey, Sql::TakeKey, Sql::Create, Sql::ReleaseKey, Sql::KeyHolder];
        assert_eq!(sent("POST", "", Some("k"), r#"{"title":"T"}"#), ours(&keyed));
        assert_eq!(sent("PATCH", id, None, r#"{"title":"T"}"#), ours(&[Sql::Update, Sql::Get]));
    }
}
