use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::postgres::Pool;
use crate::route::Route;
use crate::sqlite::Sqlite;
use crate::task::Task;
use crate::tasks;

/// What a thread reads and writes.
pub enum Database {
    None,
    Postgres(Pool),
    Sqlite(Sqlite),
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

type Error = Box<dyn std::error::Error>;
type Answer = Response<Full<Bytes>>;

pub async fn respond(database: &Database, request: Request<Incoming>) -> Answer {
    if let "/health/live" | "/health/ready" = request.uri().path() {
        return json(StatusCode::OK, Bytes::from_static(br#"{"status":"live"}"#));
    }
    let Some(route) = Route::parse(request.uri().path()) else { return nothing() };
    let answered = match (database, route.task) {
        (Database::Postgres(pool), Some(id)) => one(pool, &route, id, request).await,
        (Database::Postgres(pool), None) => all(pool, &route, request).await,
        (Database::Sqlite(sqlite), Some(id)) => on_sqlite(sqlite, &route, id),
        _ => Ok(nothing()),
    };
    answered
        .unwrap_or_else(|error| json(StatusCode::INTERNAL_SERVER_ERROR, error.to_string().into()))
}

async fn one(
    pool: &Pool,
    route: &Route,
    id: Uuid,
    request: Request<Incoming>,
) -> Result<Answer, Error> {
    let (row, changed) = if request.method() == Method::PATCH {
        let (head, body) = request.into_parts();
        let change = read(body).await?;
        tasks::update(pool, route, id, &change, header(&head.headers, &IF_MATCH)).await?
    } else {
        (tasks::get(pool, route, id).await?, true)
    };
    let Some(row) = row else { return Ok(nothing()) };
    let task = Task::of_postgres(&row)?;
    let status = if changed { StatusCode::OK } else { StatusCode::PRECONDITION_FAILED };
    let mut response = json(status, encode(&task));
    response.headers_mut().insert(ETAG, HeaderValue::try_from(format!("\"{}\"", task.version))?);
    Ok(response)
}

async fn all(pool: &Pool, route: &Route, request: Request<Incoming>) -> Result<Answer, Error> {
    #[derive(Serialize)]
    struct Page<'a> {
        items: Vec<Task<'a>>,
        next_cursor: Option<Uuid>,
    }
    if request.method() == Method::POST {
        let (head, body) = request.into_parts();
        let new = read(body).await?;
        let key = header(&head.headers, &IDEMPOTENCY_KEY);
        let made = tasks::create(pool, route, &new, key).await?;
        return Ok(made.map_or_else(nothing, |task| json(StatusCode::CREATED, encode(&task))));
    }
    let rows = tasks::list(pool, route).await?;
    let items = rows.iter().take(20).map(Task::of_postgres).collect::<Result<Vec<_>, _>>()?;
    let next_cursor = items.last().map(|it| it.id).filter(|_| rows.len() > 20);
    Ok(json(StatusCode::OK, encode(&Page { items, next_cursor })))
}

fn on_sqlite(sqlite: &Sqlite, route: &Route, id: Uuid) -> Result<Answer, Error> {
    Ok(sqlite.get(route, id)?.map_or_else(nothing, |task| json(StatusCode::OK, task)))
}

async fn read<T: DeserializeOwned>(body: Incoming) -> Result<T, Error> {
    Ok(serde_json::from_slice(&body.collect().await?.to_bytes())?)
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

pub fn encode(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("a task has nothing that JSON lacks").into()
}

fn nothing() -> Answer {
    json(StatusCode::NOT_FOUND, Bytes::new())
}

fn json(status: StatusCode, body: Bytes) -> Answer {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
