use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, header};
use serde_json::{Value, json};
use trireme_core::host::Peer;
use trireme_native::database::Database;

use crate::{PASSWORD, World};

/// An answer, its body read as JSON where it is.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub bytes: Bytes,
    pub body: Value,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
    pub fn text(&self, pointer: &str) -> &str {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no {pointer} in {self:?}"))
    }
    /// The status, and the code of a problem.
    pub fn outcome(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
    /// The pointers and codes of an invalid input's faults.
    pub fn faults(&self) -> Vec<(&str, &str)> {
        let faults = self.body["errors"].as_array().into_iter().flatten();
        faults
            .map(|fault| (fault["pointer"].as_str().unwrap(), fault["code"].as_str().unwrap()))
            .collect()
    }
}

/// A request that is put together word by word.
pub struct Call<'w> {
    world: &'w World,
    builder: http::request::Builder,
    body: Bytes,
}

impl World {
    pub fn database(&self) -> &Database {
        &self.host.database
    }
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        let builder =
            Request::builder().method(method).uri(path).header(header::HOST, "api.example.com");
        Call { world: self, builder, body: Bytes::new() }
    }
    pub fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }
    pub fn post(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::POST, path).json(body)
    }
    pub fn put(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::PUT, path).json(body)
    }
    pub fn patch(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::PATCH, path).json(body)
    }
    pub fn delete(&self, path: &str) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    pub fn advance(&self, duration: Duration) {
        self.host.now.set(self.host.now.get().plus(duration));
    }

    /// A new account that is signed in.
    pub async fn register(&self, name: &str) -> User {
        let body =
            json!({ "email": format!("{name}@example.com"), "password": PASSWORD, "name": name });
        let reply = self.post("/api/v1/auth/register", &body).send().await;
        assert_eq!(reply.status, 201, "{reply:?}");
        User::of(&reply)
    }
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct User {
    pub id: String,
    pub access: String,
    pub refresh: String,
}

impl User {
    pub fn of(reply: &Reply) -> Self {
        let text = |pointer| reply.text(pointer).to_owned();
        Self {
            id: text("/user/id"),
            access: text("/access_token"),
            refresh: text("/refresh_token"),
        }
    }
}

impl Call<'_> {
    pub fn by(self, user: &User) -> Self {
        self.header("authorization", &format!("Bearer {}", user.access))
    }
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }
    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }
    pub fn raw(self, media: &str, body: impl Into<Bytes>) -> Self {
        let mut call = self.header("content-type", media);
        call.body = body.into();
        call
    }
    pub async fn send(self) -> Reply {
        let request = self.builder.body(self.body).expect("the request is well-formed");
        let peer = Peer::at(self.world.address.get());
        let answered = trireme::dispatch(&self.world.app, &self.world.host, peer, request).await;
        let (head, bytes) = answered.response.into_parts();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Reply { status: head.status.as_u16(), headers: head.headers, bytes, body }
    }
}

/// Creates a record, which has to succeed.
pub async fn create(world: &World, user: &User, path: &str, body: Value) -> Reply {
    let reply = world.post(path, &body).by(user).send().await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply
}
