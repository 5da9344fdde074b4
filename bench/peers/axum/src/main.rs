//! One task by axum and sqlx: the token is checked, the one statement sent. Set up as their
//! documentation does. Unless `TEST_BEFORE_ACQUIRE` is `false`, sqlx makes a round trip before each
//! use of a connection, as it comes.

use std::{env, sync::Arc};

use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, request::Parts},
    routing::get,
};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

#[derive(Clone)]
struct App {
    pool: PgPool,
    tokens: Arc<(DecodingKey, Validation)>,
}

struct User(Uuid);

#[derive(Deserialize)]
struct Claims {
    sub: Uuid,
}

impl FromRequestParts<App> for User {
    type Rejection = StatusCode;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, StatusCode> {
        let header = parts.headers.get("authorization").and_then(|it| it.to_str().ok());
        let token = header.and_then(|it| it.strip_prefix("Bearer "));
        let (key, validation) = &*app.tokens;
        decode::<Claims>(token.ok_or(StatusCode::UNAUTHORIZED)?, key, validation)
            .map(|token| Self(token.claims.sub))
            .map_err(|_| StatusCode::UNAUTHORIZED)
    }
}

#[derive(FromRow, Serialize)]
struct Task {
    id: Uuid,
    title: String,
    description: Option<String>,
    status: String,
    priority: String,
    due_at: Option<DateTime<Utc>>,
    context_id: Option<Uuid>,
    completed_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

async fn task(
    State(app): State<App>,
    User(user): User,
    Path(id): Path<Uuid>,
) -> Result<Json<Task>, StatusCode> {
    sqlx::query_as(
        "SELECT id, title, description, status, priority, due_at, context_id, completed_at,
         created_at, updated_at, version FROM tasks WHERE user_id = $1 AND id = $2",
    )
    .bind(user)
    .bind(id)
    .fetch_optional(&app.pool)
    .await
    .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?
    .map(Json)
    .ok_or(StatusCode::NOT_FOUND)
}

fn set(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("set {name}"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPoolOptions::new()
        .max_connections(set("DATABASE_POOL_MAX").parse()?)
        .test_before_acquire(set("TEST_BEFORE_ACQUIRE").parse()?)
        .connect(&set("DATABASE_URL"))
        .await?;
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&["trireme"]);
    validation.set_issuer(&["trireme"]);
    let key = DecodingKey::from_secret(set("JWT_SECRET").as_bytes());
    let app = Router::new()
        .route("/tasks/{id}", get(task))
        .route("/health/ready", get(|| async { "ready" }))
        .with_state(App { pool, tokens: Arc::new((key, validation)) });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", set("PORT").parse()?)).await?;
    Ok(axum::serve(listener, app).await?)
}
