use bytes::Bytes;
use deadpool_postgres::Pool;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::read::Read;

pub async fn respond(pool: Option<&Pool>, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if let "/health/live" | "/health/ready" = path {
        return json(StatusCode::OK, Bytes::from_static(br#"{"status":"live"}"#));
    }
    match (pool, Read::parse(path)) {
        (Some(pool), Some(read)) => match read.answer(pool).await {
            Ok(Some(task)) => json(StatusCode::OK, task),
            Ok(None) => json(StatusCode::NOT_FOUND, Bytes::new()),
            Err(error) => json(StatusCode::INTERNAL_SERVER_ERROR, error.to_string().into()),
        },
        _ => json(StatusCode::NOT_FOUND, Bytes::new()),
    }
}

fn json(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
