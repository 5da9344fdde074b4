//! Who reaches the server, under which name, and what may be sent: hosts, origins, proxies, text.

use std::{
    io,
    sync::{Arc, Mutex},
};

use http::{Method, Version};
use serde_json::json;
use trireme_core::host::Peer;
use trireme_tasks::Tasks;
use trireme_world::{PASSWORD, World, on_every_database, with_variables};

/// The status of a request with these hosts.
async fn ask(world: &World, version: Version, path: &str, hosts: &[&str]) -> u16 {
    let mut builder = http::Request::builder().version(version).uri(path);
    for host in hosts {
        builder = builder.header("host", *host);
    }
    let request = builder.body(bytes::Bytes::new()).unwrap();
    trireme::dispatch(&world.app, &world.host, Peer::UNKNOWN, request)
        .await
        .response
        .status()
        .as_u16()
}

#[test]
fn http_1_0_needs_no_host() {
    on_every_database::<Tasks>(async |world| {
        let old = async |path, hosts: &[&str]| ask(world, Version::HTTP_10, path, hosts).await;
        for path in ["/health/live", "/health/ready", "/health"] {
            assert_eq!(old(path, &[]).await, 200, "{path}");
        }
        assert_eq!(old("/api/v1/tasks", &[]).await, 401);
        assert_eq!(old("/health/live", &["a"]).await, 200);
        assert_eq!(old("/health/live", &["a", "a"]).await, 400);
        assert_eq!(old("/health/live", &["a/b"]).await, 400);
        assert_eq!(ask(world, Version::HTTP_11, "/health/live", &[]).await, 400);
    });
    with_variables::<Tasks>(&[("ALLOWED_HOSTS", "api.example.com")], async |world| {
        let old = async |path, hosts: &[&str]| ask(world, Version::HTTP_10, path, hosts).await;
        assert_eq!(old("/health/ready", &[]).await, 200);
        assert_eq!(old("/api/v1/tasks", &[]).await, 400, "it names none of them");
        assert_eq!(old("/api/v1/tasks", &["api.example.com"]).await, 401);
    });
}

#[test]
fn plain_http_without_a_host_is_redirected_nowhere() {
    let variables = [("ENFORCE_HTTPS", "true"), ("TRUSTED_PROXIES", "192.0.2.0/24")];
    with_variables::<Tasks>(&variables, async |world| {
        let request = http::Request::builder()
            .version(Version::HTTP_10)
            .uri("/api/v1/tasks")
            .header("x-forwarded-proto", "http");
        let request = request.body(bytes::Bytes::new()).unwrap();
        let reply =
            trireme::dispatch(&world.app, &world.host, Peer::at(world.address.get()), request)
                .await
                .response;
        assert_eq!(reply.status(), 400, "it is not served");
    });
}

/// A name on the Internet can lead a browser to this machine (DNS rebinding).
#[test]
fn without_authentication_only_local_names_are_answered_to() {
    with_variables::<Tasks>(&[("AUTH_REQUIRED", "false")], async |world| {
        let version = Version::HTTP_11;
        for own in ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]"] {
            assert_eq!(ask(world, version, "/api/v1/users/me", &[own]).await, 200, "{own}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "192.0.2.1",
            "0.0.0.0",
            "[::2]",
        ] {
            assert_eq!(ask(world, version, "/api/v1/users/me", &[foreign]).await, 400, "{foreign}");
        }
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            // The page's own origin is the host that it asks.
            let mut call = http::Request::builder().method(method).uri("/api/v1/tasks");
            call = call
                .header("host", "evil.example:8000")
                .header("origin", "http://evil.example:8000");
            let request = call.body(bytes::Bytes::new()).unwrap();
            let reply =
                trireme::dispatch(&world.app, &world.host, Peer::UNKNOWN, request).await.response;
            assert_eq!(reply.status(), 400);
            assert!(!reply.headers().contains_key("access-control-allow-origin"));
        }
        assert_eq!(ask(world, Version::HTTP_10, "/api/v1/users/me", &[]).await, 400);
        assert_eq!(ask(world, version, "/health/live", &["10.0.0.1"]).await, 200);
    });
    let variables = [("AUTH_REQUIRED", "false"), ("ALLOWED_HOSTS", "trireme.test")];
    with_variables::<Tasks>(&variables, async |world| {
        for own in ["trireme.test:8000", "localhost"] {
            assert_eq!(
                ask(world, Version::HTTP_11, "/api/v1/users/me", &[own]).await,
                200,
                "{own}"
            );
        }
    });
}

#[test]
fn preflights_allow_tracing_and_what_is_configured() {
    for (set, more) in [("", &[][..]), ("X-Tenant, x-csrf-token", &["x-tenant", "x-csrf-token"])] {
        with_variables::<Tasks>(&[("CORS_ALLOWED_HEADERS", set)], async |world| {
            let call = world.call(Method::OPTIONS, "/api/v1/tasks");
            let call = call.header("origin", "https://app.example.com");
            let reply = call.header("access-control-request-method", "POST").send().await;
            assert_eq!(reply.status, 204);
            let allowed = reply.header("access-control-allow-headers").to_ascii_lowercase();
            let allowed: Vec<_> = allowed.split(", ").collect();
            let own = [
                "authorization",
                "content-type",
                "idempotency-key",
                "if-match",
                "if-none-match",
                "x-request-id",
            ];
            let tracing = ["traceparent", "tracestate", "baggage", "sentry-trace"];
            assert_eq!(allowed, [&own[..], &tracing, more].concat());
        });
    }
}

#[test]
fn the_limit_that_refuses_is_the_one_announced() {
    let limits =
        [("RATE_LIMIT_AUTH_PER_ACCOUNT", "2/60s"), ("RATE_LIMIT_AUTH_PER_ADDRESS", "20/90s")];
    with_variables::<Tasks>(&limits, async |world| {
        let ada = world.register("ada").await;
        let confirm = |password: &str| {
            let body =
                json!({ "current_password": password, "new_password": "another fine password" });
            world.post("/api/v1/users/me/password", &body).by(&ada).send()
        };
        let wrong = confirm("wrong password").await;
        assert_eq!(wrong.outcome(), (403, "wrong_password"));
        assert_eq!(wrong.header("ratelimit"), "\"account\";r=1;t=60, \"address\";r=18;t=90");
        let delete = || {
            world
                .delete("/api/v1/users/me")
                .json(&json!({ "password": "wrong password" }))
                .by(&ada)
                .send()
        };
        assert_eq!(delete().await.status, 403);
        world.advance(std::time::Duration::from_secs(20));
        let login = |email: &str| {
            world
                .post(
                    "/api/v1/auth/login",
                    &json!({ "email": email, "password": "wrong password" }),
                )
                .send()
        };
        for _ in 0..2 {
            assert_eq!(login("bob@example.com").await.status, 401);
        }
        for (refused, seconds) in [
            (confirm(PASSWORD).await, 40),
            (delete().await, 40),
            (login("bob@example.com").await, 60),
        ] {
            assert_eq!(refused.outcome(), (429, "rate_limited"));
            assert_eq!(refused.header("retry-after"), seconds.to_string());
            assert_eq!(refused.header("ratelimit-policy"), "\"account\";q=2;w=60");
            assert_eq!(refused.header("ratelimit"), format!("\"account\";r=0;t={seconds}"));
        }
    });
}

#[test]
fn text_that_steers_or_cannot_be_seen_is_refused() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let task =
            trireme_world::create(world, &ada, "/api/v1/tasks", json!({ "title": "a\tb\r\nc" }))
                .await;
        let context =
            trireme_world::create(world, &ada, "/api/v1/contexts", json!({ "name": "a" })).await;
        let (task, context) = (task.header("location"), context.header("location"));
        let steering =
            ["\u{1b}[2J", "a\u{0}", "a\u{7}", "a\u{8}", "a\u{7f}", "a\u{85}", "\u{9b}1m", "a\u{b}"];
        let blank = [" ", "\t\n", "\u{a0}\u{2003}", "\u{200b}", "\u{3164}", "\u{feff} "];
        for text in steering.into_iter().chain(blank) {
            for (call, pointer) in [
                (world.post("/api/v1/tasks", &json!({ "title": text })), "/title"),
                (world.patch(task, &json!({ "title": text })), "/title"),
                (world.post("/api/v1/contexts", &json!({ "name": text })), "/name"),
                (world.patch(context, &json!({ "name": text })), "/name"),
                (world.patch("/api/v1/users/me", &json!({ "name": text })), "/name"),
                (
                    world.post(
                        "/api/v1/auth/register",
                        &json!({ "email": "b@example.com", "password": PASSWORD, "name": text }),
                    ),
                    "/name",
                ),
            ] {
                let reply = call.by(&ada).send().await;
                assert_eq!(reply.outcome(), (422, "invalid"), "{text:?} {pointer}");
                assert_eq!(reply.faults(), [(pointer, "invalid_text")], "{text:?}");
            }
        }
        for text in steering {
            let body = json!({ "title": "a", "description": text });
            let reply = world.post("/api/v1/tasks", &body).by(&ada).send().await;
            assert_eq!(reply.faults(), [("/description", "invalid_text")], "{text:?}");
        }
        let reply = world.get("/api/v1/tasks?q=%1b").by(&ada).send().await;
        assert_eq!(reply.faults(), [("/q", "invalid_text")]);
        // A description may be blank, and a password is any text.
        let body = json!({ "title": "ok", "description": " " });
        assert_eq!(world.post("/api/v1/tasks", &body).by(&ada).send().await.status, 201);
        let body = json!({ "email": "c@example.com", "password": "pass\u{1b}word \u{7f}" });
        assert_eq!(world.post("/api/v1/auth/register", &body).send().await.status, 201);
    });
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the log says while `work` runs, on this thread.
async fn logged(work: impl Future<Output = ()>) -> String {
    let log = Log::default();
    let lines = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || lines.clone());
    {
        let _guard = tracing::subscriber::set_default(subscriber.finish());
        work.await;
    }
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_proxy_that_is_not_trusted_is_told_of_once() {
    const TOLD: &str = "is not trusted";
    let production = [("ENVIRONMENT", "staging"), ("TRUSTED_PROXIES", "10.0.0.0/8")];
    with_variables::<Tasks>(&production, async |world| {
        world.address.set("100.64.0.3".parse().unwrap());
        let silent = logged(async { drop(world.get("/health/live").send().await) }).await;
        assert!(!silent.contains(TOLD), "{silent}");
        let text = logged(async {
            for _ in 0..3 {
                world.get("/health/live").header("x-forwarded-for", "192.0.2.1").send().await;
            }
        })
        .await;
        assert_eq!(text.matches(TOLD).count(), 1, "{text}");
        assert!(text.contains("100.64.0.3") && text.contains("TRUSTED_PROXIES=railway"), "{text}");
    });
    with_variables::<Tasks>(&production, async |world| {
        world.address.set("10.0.0.1".parse().unwrap());
        let ask = || world.get("/health/live").header("x-forwarded-for", "192.0.2.1");
        let text = logged(async { drop(ask().send().await) }).await;
        assert!(!text.contains(TOLD), "it is trusted: {text}");
    });
    on_every_database::<Tasks>(async |world| {
        let ask = || world.get("/health/live").header("forwarded", "for=192.0.2.1");
        let text = logged(async { drop(ask().send().await) }).await;
        assert!(!text.contains(TOLD), "in development nobody is told: {text}");
    });
}

#[test]
fn a_byte_beyond_ascii_does_not_hide_the_client() {
    let limits = [("TRUSTED_PROXIES", "192.0.2.1"), ("RATE_LIMIT_AUTH_PER_ADDRESS", "2/60s")];
    with_variables::<Tasks>(&limits, async |world| {
        let attempt = async |client: &str| {
            let request = http::Request::post("/api/v1/auth/refresh")
                .header("host", "a")
                .header("content-type", "application/json")
                .header("x-forwarded-for", [b"\xff, ", client.as_bytes()].concat());
            let request =
                request.body(bytes::Bytes::from_static(br#"{"refresh_token":"x"}"#)).unwrap();
            trireme::dispatch(&world.app, &world.host, Peer::at(world.address.get()), request)
                .await
                .response
                .status()
                .as_u16()
        };
        for _ in 0..2 {
            assert_eq!(attempt("203.0.113.9").await, 401);
        }
        assert_eq!(attempt("203.0.113.9").await, 429);
        assert_eq!(attempt("203.0.113.10").await, 401, "others have their own quota");
    });
}
