//! HTTP/2 with prior knowledge, on the same port.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;

use crate::service::{BODY_LIMIT, Running, short};

async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

fn request(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(format!("http://test{path}")).body(Full::new(body.into())).unwrap()
}

#[tokio::test]
async fn requests_share_a_connection() {
    let server = Running::new(short());
    let mut client = connect(server.address).await;
    let slow = client.send_request(request("/slow?300", ""));
    let echo = client.send_request(request("/echo", "hello")).await.unwrap();
    assert_eq!(echo.into_body().collect().await.unwrap().to_bytes(), "hello");
    let panicked = client.send_request(request("/panic", "")).await.unwrap();
    assert_eq!(panicked.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let large = client.send_request(request("/echo", vec![0; BODY_LIMIT + 1])).await.unwrap();
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(slow.await.unwrap().status(), StatusCode::OK);
    // The authority is where HTTP/2 has its host.
    let other = client.send_request(request("/x", "")).await.unwrap();
    assert_eq!(other.into_body().collect().await.unwrap().to_bytes(), "POST http://test/x 0");
}

/// Another server might take the other one.
#[tokio::test]
async fn a_host_that_is_not_the_authority_is_refused() {
    let server = Running::new(short());
    let mut client = connect(server.address).await;
    for (host, status) in [("test", 200), ("TEST", 200), ("other", 400), ("test:80", 400)] {
        let mut request = request("/x", "");
        request.headers_mut().insert("host", host.parse().unwrap());
        let answer = client.send_request(request).await.unwrap();
        assert_eq!(answer.status(), status, "{host}");
    }
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let server = Running::new(short());
    let mut client = connect(server.address).await;
    let mut many = request("/x", "");
    for number in 0..101 {
        let name = http::HeaderName::try_from(format!("x-{number}")).unwrap();
        many.headers_mut().insert(name, "y".parse().unwrap());
    }
    let refused = client.send_request(many).await.unwrap();
    assert_eq!(refused.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

/// h2 would answer it by itself, without a word.
#[tokio::test]
async fn a_large_head_is_refused_in_a_problem_document() {
    let server = Running::new(short());
    let mut client = connect(server.address).await;
    let large = |bytes: usize| {
        let mut large = request("/x", "");
        large.headers_mut().insert("x-large", "y".repeat(bytes).parse().unwrap());
        large
    };
    let limit = short().header_bytes as usize;
    assert_eq!(client.send_request(large(limit - 1000)).await.unwrap().status(), StatusCode::OK);
    let refused = client.send_request(large(limit)).await.unwrap();
    assert_eq!(refused.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_drain_lets_streams_end_and_opens_no_more() {
    let mut server = Running::new(short());
    let mut client = connect(server.address).await;
    let slow = client.send_request(request("/slow?900", ""));
    let slow = tokio::spawn(slow);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let drain = tokio::task::spawn_blocking(move || server.drain(true, Duration::from_secs(5)));
    assert_eq!(slow.await.unwrap().unwrap().status(), StatusCode::OK);
    assert!(drain.await.unwrap());
    assert!(client.ready().await.is_err());
}

/// A client whose connection is never idle has to be told to go, and loses nothing by it.
#[tokio::test]
async fn a_drain_sends_a_busy_client_away() {
    let mut server = Running::new(short());
    let client = connect(server.address).await;
    let busy: Vec<_> = (0..4)
        .map(|number| {
            let mut client = client.clone();
            tokio::spawn(async move {
                let mut answered = 0;
                while client.ready().await.is_ok() {
                    let path = format!("/slow?{}", 50 + number * 10);
                    match client.send_request(request(&path, "")).await {
                        Ok(response) => assert_eq!(response.status(), StatusCode::OK),
                        Err(error) if error.is_canceled() => break,
                        Err(error) => panic!("lost: {error:?}"),
                    }
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let drain = tokio::task::spawn_blocking(move || server.drain(true, Duration::from_secs(5)));
    for busy in busy {
        assert!(busy.await.unwrap() > 5);
    }
    assert!(drain.await.unwrap());
}

#[tokio::test]
async fn an_idle_connection_is_sent_away() {
    let server = Running::new(short());
    let mut client = connect(server.address).await;
    assert_eq!(client.send_request(request("/x", "")).await.unwrap().status(), StatusCode::OK);
    tokio::time::sleep(short().idle + Duration::from_millis(500)).await;
    assert!(client.ready().await.is_err());
}
