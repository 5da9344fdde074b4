//! Health, in three depths.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use shared::{
    Code, Error, VERSION,
    error::Result,
    host::{Backend, Database, Host, HostKind, Phase},
    migrations,
    sql::{DatabaseError, Row, Statement},
};

use crate::{context::Context, respond};

/// How an instance, or what it depends on, is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HealthStatus")]
#[serde(rename_all = "snake_case")]
enum Status {
    Healthy,
    Degraded,
}

/// The instance and what it depends on.
#[derive(Serialize, JsonSchema)]
struct Health {
    status: Status,
    /// Of this build.
    #[schemars(example = VERSION)]
    version: &'static str,
    host: HostKind,
    #[schemars(extend("enum" = ["development", "staging", "production"]))]
    environment: &'static str,
    checks: Checks,
}

/// What an instance depends on.
#[derive(Serialize, JsonSchema)]
struct Checks {
    database: DatabaseCheck,
}

/// The database, as it answered just now.
#[derive(Serialize, JsonSchema)]
struct DatabaseCheck {
    status: Status,
    backend: Backend,
    /// Milliseconds from asking for a connection to the answer.
    #[schemars(range(min = 0))]
    latency_ms: i64,
    migrations: Migrations,
}

/// Numbers of the newest migrations.
#[derive(Serialize, JsonSchema)]
struct Migrations {
    /// In the database; null when it did not answer.
    #[schemars(range(min = 0), example = 1)]
    applied: Option<i64>,
    /// In this build.
    #[schemars(range(min = 0))]
    expected: i64,
}

/// A sign of life.
#[derive(Serialize, JsonSchema)]
struct Alive {
    #[schemars(extend("enum" = ["alive", "ready"]))]
    status: &'static str,
}

/// Asks the database itself which schema it has.
async fn applied<H: Host>(cx: &Context<'_, H>) -> Result<i64, DatabaseError> {
    let ask = Statement::read(
        "-- get_schema_version\nSELECT COALESCE(max(version), 0) FROM schema_migrations",
        vec![],
    );
    let rows = cx.as_service(&[ask]).await?;
    let row = rows[0].first();
    row.and_then(|row| row.get(0).ok()).ok_or_else(|| DatabaseError::Failed("no answer".to_owned()))
}

pub mod live {
    use super::{Alive, Bytes, Context, Host, Response, Result, StatusCode, respond};
    use crate::openapi::Operation;

    /// Touches nothing: it answers as long as the process can.
    #[expect(clippy::unused_async, reason = "every endpoint has this form")]
    pub async fn handle<H: Host>(_: &Context<'_, H>) -> Result<Response<Bytes>> {
        Ok(respond::bytes(
            StatusCode::OK,
            "application/json",
            Bytes::from_static(br#"{"status":"alive"}"#),
        ))
    }

    pub fn describe(op: Operation) -> Operation {
        op.answers::<Alive>(200, "The process answers.")
    }
}

pub mod ready {
    use super::{
        Alive, Bytes, Code, Context, Error, Host, Phase, Response, Result, StatusCode, applied,
        respond,
    };
    use crate::openapi::Operation;

    pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
        match cx.host.phase() {
            Phase::Starting => {
                return Err(Error::new(Code::Starting, "This instance is starting."));
            }
            Phase::Draining => {
                return Err(Error::new(Code::Draining, "This instance is stopping."));
            }
            Phase::Serving => {}
        }
        applied(cx).await?;
        respond::json(StatusCode::OK, &Alive { status: "ready" })
    }

    pub fn describe(op: Operation) -> Operation {
        op.answers::<Alive>(200, "The instance takes requests.").fails(&[
            Code::Starting,
            Code::Draining,
            Code::DatabaseUnavailable,
        ])
    }
}

pub mod deep {
    use super::{
        Bytes, Checks, Context, Database, DatabaseCheck, HeaderValue, Health, Host, Migrations,
        Response, Result, Status, StatusCode, VERSION, applied, header, json, migrations, respond,
    };
    use crate::openapi::Operation;

    pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
        let backend = cx.host.database().backend();
        let asked = cx.host.now();
        let applied = applied(cx).await;
        if let Err(error) = &applied {
            tracing::warn!(%error, "the database check failed");
        }
        let latency_ms = cx.host.now().millis() - asked.millis();
        let migrations = Migrations {
            applied: applied.as_ref().ok().copied(),
            expected: migrations::all(backend).last().map_or(0, |migration| migration.version),
        };
        let (status, database) = match applied {
            Ok(_) => (Status::Healthy, Status::Healthy),
            Err(_) => (Status::Degraded, Status::Degraded),
        };
        let code = match status {
            Status::Healthy => StatusCode::OK,
            Status::Degraded => StatusCode::SERVICE_UNAVAILABLE,
        };
        let health = Health {
            status,
            version: VERSION,
            host: cx.host.kind(),
            environment: cx.app.config.environment.as_str(),
            checks: Checks {
                database: DatabaseCheck { status: database, backend, latency_ms, migrations },
            },
        };
        let mut response = respond::json(code, &health)?;
        if code != StatusCode::OK {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Ok(response)
    }

    pub fn describe(op: Operation) -> Operation {
        op.answers::<Health>(200, "All is well.")
            .answers::<Health>(503, "The database does not answer.")
            .instead(
                503,
                &[
                    ("/status", json!("degraded")),
                    ("/checks/database/status", json!("degraded")),
                    ("/checks/database/latency_ms", json!(2000)),
                    ("/checks/database/migrations/applied", json!(null)),
                ],
            )
    }
}
