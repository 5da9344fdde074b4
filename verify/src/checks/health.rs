//! Whether the server lives, is ready, and says what it is.

use crate::context::Context;
use crate::outcome::{Verdict, expect};
use crate::request::Request;
use crate::response::Response;

pub async fn live(context: &Context) -> Verdict {
    context.send(Request::head("/health/live")).await?.is(200)?;
    context.send(Request::get("/health/live")).await?.is(200).map(drop)
}

pub async fn deep(context: &Context) -> Verdict {
    let health = context.send(Request::get("/health")).await?;
    describes_server(&health)?;
    if let Some(production) = context.options.expect_production {
        let environment = health.text("/environment")?;
        let expected = if production { "production" } else { "another than production" };
        expect(production == (environment == "production"), "GET /health", expected, environment)?;
    }
    Ok(())
}

pub async fn deep_under_api(context: &Context) -> Verdict {
    describes_server(&context.send(Request::get("/api/v1/health")).await?)
}

pub async fn ready(context: &Context) -> Verdict {
    context.send(Request::get("/health/ready")).await?.is(200).map(drop)
}

/// Metrics belong to the operator: the native host's admin listener alone has them.
pub async fn metrics_hidden(context: &Context) -> Verdict {
    context.send(Request::get("/metrics")).await?.problem(404).map(drop)
}

fn describes_server(health: &Response) -> Verdict {
    health.is(200)?.equals("/status", "healthy")?;
    health.shaped("/version", "a version", |version| !version.is_empty())?;
    health.shaped("/host", "native, workers or spin", |host| {
        matches!(host, "native" | "workers" | "spin")
    })?;
    health.shaped("/environment", "development, staging or production", |environment| {
        matches!(environment, "development" | "staging" | "production")
    })?;
    health.shaped("/checks/database/status", "a status", |status| !status.is_empty())?;
    health.shaped("/checks/database/backend", "postgres or sqlite", |backend| {
        matches!(backend, "postgres" | "sqlite")
    })?;
    let latency = health.at("/checks/database/latency_ms")?.as_f64();
    health.must(latency.is_some_and(|ms| ms >= 0.0), "a number at /checks/database/latency_ms")?;
    let migrations = health.at("/checks/database/migrations")?;
    health.must(!migrations.is_null(), "something at /checks/database/migrations").map(drop)
}
