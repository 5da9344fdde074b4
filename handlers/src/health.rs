//! Health, in three depths.

use std::pin::pin;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{HeaderValue, Response, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use trireme_core::{
    Code, Error,
    error::Result,
    host::{Backend, Database, Host, HostKind, Phase},
    sql::DatabaseError,
};

use crate::{context::Context, database, respond};

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
    #[schemars(example = &"0.1.0")]
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

/// How many migrations the schema is made of.
#[derive(Serialize, JsonSchema)]
struct Migrations {
    /// Of this build's, those that are applied; null when the database did not answer.
    #[schemars(range(min = 0), example = 1)]
    applied: Option<i64>,
    /// Of this build.
    #[schemars(range(min = 0))]
    expected: i64,
}

/// A sign of life.
#[derive(Serialize, JsonSchema)]
struct Alive {
    #[schemars(extend("enum" = ["alive", "ready"]))]
    status: &'static str,
}

/// Asks the database itself which schema it has; silence is an answer, too.
async fn applied<H: Host>(cx: &Context<'_, H>) -> Result<i64, DatabaseError> {
    let answer = pin!(database::applied(cx.host, &cx.app.schema));
    let limit = pin!(cx.host.sleep(cx.app.config.database.acquire_timeout));
    match select(answer, limit).await {
        Either::Left((applied, _)) => applied,
        Either::Right(_) => Err(DatabaseError::Unavailable("no answer in time".to_owned())),
    }
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
        Alive, Bytes, Code, Context, DatabaseError, Error, Host, Phase, Response, Result,
        StatusCode, applied, respond,
    };
    use crate::openapi::Operation;

    pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
        match cx.host.phase() {
            Phase::Starting => {
                return Err(Error::new(Code::STARTING, "This instance is starting."));
            }
            Phase::Draining => {
                return Err(Error::new(Code::DRAINING, "This instance is stopping."));
            }
            Phase::Serving => {}
        }
        let unavailable = |cause: String| Error {
            cause: Some(cause),
            ..Error::new(Code::DATABASE_UNAVAILABLE, "The database is not ready.")
        };
        let applied = applied(cx).await.map_err(|error| unavailable(error.to_string()))?;
        if applied < cx.app.schema.count() {
            return Err(DatabaseError::Behind("migrations are pending".to_owned()).into());
        }
        respond::json(StatusCode::OK, &Alive { status: "ready" })
    }

    pub fn describe(op: Operation) -> Operation {
        op.answers::<Alive>(200, "The instance takes requests.").fails(&[
            Code::STARTING,
            Code::DRAINING,
            Code::DATABASE_UNAVAILABLE,
        ])
    }
}

pub mod deep {
    use super::{
        Bytes, Checks, Context, Database, DatabaseCheck, HeaderValue, Health, Host, Migrations,
        Response, Result, Status, StatusCode, applied, header, json, respond,
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
        let migrations =
            Migrations { applied: applied.as_ref().ok().copied(), expected: cx.app.schema.count() };
        let is_sound = migrations.applied.is_some_and(|applied| applied >= migrations.expected);
        let degraded = |sound| if sound { Status::Healthy } else { Status::Degraded };
        let (status, database) = (degraded(is_sound), degraded(is_sound));
        let code = match status {
            Status::Healthy => StatusCode::OK,
            Status::Degraded => StatusCode::SERVICE_UNAVAILABLE,
        };
        let health = Health {
            status,
            version: cx.app.product.version,
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
