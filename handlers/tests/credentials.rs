//! What strangers may send to the endpoints that take a password or a token.

use std::{cell::Cell, rc::Rc};

use bytes::Bytes;
use http::{Method, Request, header};
use serde_json::json;
use trireme::{Access, operations};
use trireme_core::host::{Body, BodyError, Peer};
use trireme_tasks::Tasks;
use trireme_world::{World, with_variables};

/// A body that notes how much of it was asked for.
struct Asked(Rc<Cell<Option<usize>>>);

impl Body for Asked {
    async fn read(self, limit: usize) -> Result<Bytes, BodyError> {
        self.0.set(Some(limit));
        Ok(Bytes::from_static(b"{}"))
    }
}

/// The status, and how many bytes were asked for, if any.
async fn ask(world: &World, token: &str, method: &Method, path: &str) -> (u16, Option<usize>) {
    let asked = Rc::default();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "api.example.com")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Asked(Rc::clone(&asked)))
        .unwrap();
    let response =
        trireme::dispatch(&world.app, &world.host, Peer::UNKNOWN, request).await.response;
    (response.status().as_u16(), asked.get())
}

#[test]
fn attempts_are_counted_before_their_bodies_are_read() {
    with_variables::<Tasks>(&[("RATE_LIMIT_AUTH_PER_ADDRESS", "2/60s")], async |world| {
        let ada = world.register("ada").await;
        let endpoints = operations::<Tasks>().into_iter().map(|described| described.endpoint);
        let limited: Vec<_> = endpoints.filter(|route| route.limit.is_some()).collect();
        assert!(limited.iter().any(|route| route.path == "/api/v1/auth/logout"));
        for route in limited {
            world.advance(std::time::Duration::from_secs(60));
            for _ in 0..2 {
                let (status, asked) = ask(world, &ada.access, route.method, route.path).await;
                assert_eq!((status, asked), (422, Some(16 << 10)), "{}", route.path);
            }
            let refused = ask(world, &ada.access, route.method, route.path).await;
            assert_eq!(refused, (429, None), "{}", route.path);
            if route.access == Access::UserCredential {
                let stranger = ask(world, "x", route.method, route.path).await;
                assert_eq!(stranger, (401, None), "{}", route.path);
            }
        }
    });
}

/// Nobody but a caller with a token has a body of any size read.
#[test]
fn no_body_of_a_stranger_is_large() {
    with_variables::<Tasks>(&[], async |world| {
        let endpoints = operations::<Tasks>().into_iter().map(|described| described.endpoint);
        for route in endpoints.filter(|route| *route.method != Method::GET) {
            let (_, asked) = ask(world, "x", route.method, route.path).await;
            assert!(asked.unwrap_or(0) <= 16 << 10, "{} {asked:?}", route.path);
        }
    });
}

#[test]
fn a_credential_is_at_most_16_kibibytes() {
    with_variables::<Tasks>(&[], async |world| {
        let login = |length: usize| {
            let body = json!({ "email": "ada@example.com", "password": "" }).to_string();
            let padded = body.replace("\"\"", &format!("\"{}\"", "x".repeat(length - body.len())));
            assert_eq!(padded.len(), length);
            world.call(Method::POST, "/api/v1/auth/login").raw("application/json", padded).send()
        };
        assert_eq!(login(16 << 10).await.status, 401, "it was read");
        let reply = login((16 << 10) + 1).await;
        assert_eq!(reply.outcome(), (413, "body_too_large"));
        assert!(reply.header("ratelimit").contains("\"address\""), "it was counted");
    });
}
