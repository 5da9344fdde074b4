//! What surrounds every request: problems, headers, origins, hosts, limits.

use std::time::Duration;

use http::Method;
use serde_json::json;
use trireme::operations;
use trireme_core::host::{Peer, Phase};
use trireme_tasks::Tasks;
use trireme_world::{PASSWORD, on_every_database, with_variables};

#[test]
fn problems_look_alike() {
    on_every_database::<Tasks>(async |world| {
        let reply = world.get("/nowhere").header("x-request-id", "my-id.1_2").send().await;
        assert_eq!(reply.header("content-type"), "application/problem+json");
        insta::assert_json_snapshot!("not_found", reply.body);
        assert_eq!(reply.header("x-request-id"), "my-id.1_2");
        let insane = world.get("/nowhere").header("x-request-id", "no spaces").send().await;
        assert_ne!(insane.header("x-request-id"), "no spaces");
        assert_eq!(insane.text("/request_id"), insane.header("x-request-id"));
        let reply = world.get("/api/v1/tasks").send().await;
        assert_eq!(
            (reply.outcome(), reply.header("www-authenticate")),
            ((401, "unauthenticated"), "Bearer")
        );
        let reply = world.delete("/api/v1/tasks").send().await;
        assert_eq!(
            (reply.outcome(), reply.header("allow")),
            ((405, "method_not_allowed"), "GET, POST, HEAD, OPTIONS")
        );
    });
}

#[test]
fn every_answer_has_the_headers() {
    on_every_database::<Tasks>(async |world| {
        for path in
            ["/health/live", "/nowhere", "/api/v1/tasks", "/api/v1/auth/login", "/openapi.json"]
        {
            let reply = world.get(path).send().await;
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("referrer-policy", "no-referrer"),
                ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
                ("strict-transport-security", ""),
            ] {
                assert_eq!(reply.header(name), value, "{path} {name}");
            }
            assert!(reply.headers.get_all("vary").iter().any(|vary| vary == "Origin"), "{path}");
            assert!(!reply.header("x-request-id").is_empty());
        }
    });
}

#[test]
fn origins_are_allowed_or_refused() {
    let variables = [
        ("CORS_ORIGINS", "https://app.example.com,https://*-team.vercel.app"),
        ("PUBLIC_URL", "https://own.example.com"),
    ];
    with_variables::<Tasks>(&variables, async |world| {
        let ask = |origin: &str| world.get("/health/live").header("origin", origin).send();
        for origin in ["https://app.example.com", "https://pr-7-team.vercel.app"] {
            let reply = ask(origin).await;
            assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, origin));
        }
        for own in ["https://own.example.com", "https://api.example.com"] {
            let reply = ask(own).await;
            assert_eq!(
                (reply.status, reply.header("access-control-allow-origin")),
                (200, ""),
                "{own}"
            );
        }
        for evil in [
            "https://evil.example",
            "null",
            "https://app.example.com.evil.example",
            "https://-team.vercel.app",
            "http://app.example.com",
        ] {
            for method in [Method::GET, Method::OPTIONS] {
                let call = world.call(method, "/api/v1/tasks").header("origin", evil);
                let reply = call.header("access-control-request-method", "GET").send().await;
                assert_eq!(reply.outcome(), (403, "origin_not_allowed"), "{evil}");
                assert!(
                    reply.headers.keys().all(|name| !name.as_str().starts_with("access-control")),
                    "{evil}"
                );
                assert_eq!(reply.header("vary"), "Origin");
            }
        }
        let call = world
            .call(Method::OPTIONS, "/api/v1/tasks")
            .header("origin", "https://app.example.com");
        let preflight = call.header("access-control-request-method", "POST").send().await;
        assert_eq!(
            (preflight.status, preflight.bytes.len(), preflight.header("access-control-max-age")),
            (204, 0, "7200")
        );
        assert!(preflight.header("access-control-allow-headers").contains("Idempotency-Key"));
        assert!(preflight.header("access-control-allow-methods").contains("PATCH"));
    });
}

#[test]
fn one_host_is_asked_and_it_is_ours() {
    with_variables::<Tasks>(
        &[("ALLOWED_HOSTS", "api.example.com"), ("PUBLIC_URL", "https://own.example.com")],
        async |world| {
            let ask = async |hosts: &[&str]| {
                let mut builder = http::Request::builder().uri("/nowhere");
                for host in hosts {
                    builder = builder.header("host", *host);
                }
                let request = builder.body(bytes::Bytes::new()).unwrap();
                trireme::dispatch(&world.app, &world.host, Peer::UNKNOWN, request)
                    .await
                    .response
                    .status()
                    .as_u16()
            };
            assert_eq!(ask(&["API.example.com:8000"]).await, 404);
            assert_eq!(ask(&["own.example.com"]).await, 404);
            for wrong in [
                &[][..],
                &["evil.example"],
                &["api.example.com", "api.example.com"],
                &["api.example.com/x"],
                &["api.example.com@evil.example"],
            ] {
                assert_eq!(ask(wrong).await, 400, "{wrong:?}");
            }
        },
    );
}

#[test]
fn plain_http_is_redirected_when_a_trusted_proxy_says_so() {
    let variables = [("ENFORCE_HTTPS", "true"), ("TRUSTED_PROXIES", "192.0.2.0/24")];
    with_variables::<Tasks>(&variables, async |world| {
        let ask =
            |proto: &str, path: &str| world.get(path).header("x-forwarded-proto", proto).send();
        let reply = ask("http", "/api/v1/tasks?limit=1").await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (308, "https://api.example.com/api/v1/tasks?limit=1")
        );
        assert_eq!(ask("https", "/api/v1/tasks").await.status, 401);
        assert_eq!(ask("http", "/health/live").await.status, 200);
        world.address.set("198.51.100.1".parse().unwrap());
        assert_eq!(
            ask("http", "/api/v1/tasks").await.status,
            401,
            "an untrusted word is not heeded"
        );
    });
}

#[test]
fn head_is_get_without_the_body() {
    on_every_database::<Tasks>(async |world| {
        let get = world.get("/health/live").send().await;
        let head = world.call(Method::HEAD, "/health/live").send().await;
        assert_eq!((head.status, head.bytes.len()), (200, 0));
        assert_eq!(head.header("content-length"), get.bytes.len().to_string());
    });
}

#[test]
fn large_answers_are_compressed_when_asked() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let body = json!({ "title": "x", "description": "word ".repeat(500) });
        let task = world.post("/api/v1/tasks", &body).by(&ada).send().await;
        let path = task.header("location");
        let plain = world.get(path).by(&ada).send().await;
        let small = world.get(path).by(&ada).header("accept-encoding", "br, gzip").send().await;
        assert_eq!(
            (plain.header("content-encoding"), small.header("content-encoding")),
            ("", "gzip")
        );
        assert_eq!((plain.header("etag"), small.header("etag")), ("\"1\"", "\"1-gzip\""));
        let mut unpacked = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*small.bytes), &mut unpacked)
            .unwrap();
        assert_eq!(unpacked, plain.bytes);
        let known = world.get(path).by(&ada).header("if-none-match", "\"1-gzip\"").send().await;
        assert_eq!(known.status, 304);
        let live = world.get("/health/live").header("accept-encoding", "gzip").send().await;
        assert_eq!(live.header("content-encoding"), "");
    });
}

#[test]
fn large_bodies_are_refused() {
    with_variables::<Tasks>(&[("BODY_LIMIT_BYTES", "1024")], async |world| {
        let ada = world.register("ada").await;
        let reply = world
            .post("/api/v1/tasks", &json!({ "title": "x".repeat(2000) }))
            .by(&ada)
            .send()
            .await;
        assert_eq!(reply.outcome(), (413, "body_too_large"));
    });
}

#[test]
fn attempts_of_an_address_are_counted() {
    with_variables::<Tasks>(&[("RATE_LIMIT_AUTH_PER_ADDRESS", "3/60s")], async |world| {
        let attempt =
            || world.post("/api/v1/auth/refresh", &json!({ "refresh_token": "x" })).send();
        for left in [2, 1, 0] {
            let reply = attempt().await;
            assert_eq!(reply.status, 401);
            assert_eq!(reply.header("ratelimit-policy"), "\"address\";q=3;w=60");
            assert_eq!(reply.header("ratelimit"), format!("\"address\";r={left};t=60"));
        }
        world.advance(Duration::from_secs(20));
        let refused = attempt().await;
        assert_eq!(
            (refused.outcome(), refused.header("retry-after")),
            ((429, "rate_limited"), "40")
        );
        assert_eq!(refused.header("ratelimit"), "\"address\";r=0;t=40");
        world.address.set("192.0.2.2".parse().unwrap());
        assert_eq!(attempt().await.status, 401);
        world.address.set("2001:db8:1:2::1".parse().unwrap());
        for _ in 0..3 {
            attempt().await;
        }
        world.address.set("2001:db8:1:2:ffff::9".parse().unwrap());
        assert_eq!(attempt().await.status, 429, "an IPv6 subscriber has a whole /64");
        world.advance(Duration::from_secs(60));
        assert_eq!(attempt().await.status, 401);
    });
}

#[test]
fn failures_of_an_account_are_counted_for_each_address() {
    with_variables::<Tasks>(&[("RATE_LIMIT_AUTH_PER_ACCOUNT", "2/60s")], async |world| {
        world.register("ada").await;
        let login = |password: &str| {
            world
                .post(
                    "/api/v1/auth/login",
                    &json!({ "email": "ada@example.com", "password": password }),
                )
                .send()
        };
        for _ in 0..3 {
            assert_eq!(login(PASSWORD).await.status, 200, "a success is no failure");
        }
        assert_eq!(login("wrong password").await.status, 401);
        let second = login("wrong password").await;
        assert_eq!(second.status, 401);
        assert!(
            second.header("ratelimit").contains("\"account\";r=0;t=60"),
            "{}",
            second.header("ratelimit")
        );
        let refused = login(PASSWORD).await;
        assert_eq!(
            (refused.outcome(), refused.header("retry-after")),
            ((429, "rate_limited"), "60")
        );
        world.address.set("192.0.2.9".parse().unwrap());
        assert_eq!(login(PASSWORD).await.status, 200, "nobody locks the owner out from elsewhere");
    });
}

#[test]
fn guesses_with_a_token_are_counted_too() {
    with_variables::<Tasks>(&[("RATE_LIMIT_AUTH_PER_ACCOUNT", "2/60s")], async |world| {
        let ada = world.register("ada").await;
        let guess = |password: &str| {
            let body =
                json!({ "current_password": password, "new_password": "another fine password" });
            world.post("/api/v1/users/me/password", &body).by(&ada).send()
        };
        assert_eq!(guess("wrong password").await.status, 403);
        let delete =
            world.delete("/api/v1/users/me").json(&json!({ "password": "wrong" })).by(&ada);
        assert_eq!(delete.send().await.status, 403);
        assert_eq!(guess(PASSWORD).await.outcome(), (429, "rate_limited"));
        world.advance(Duration::from_secs(60));
        assert_eq!(guess(PASSWORD).await.status, 204);
    });
}

#[test]
fn guesses_at_the_same_moment_are_counted_too() {
    with_variables::<Tasks>(&[("RATE_LIMIT_AUTH_PER_ACCOUNT", "2/60s")], async |world| {
        world.register("ada").await;
        let body = json!({ "email": "ada@example.com", "password": "wrong password" });
        let replies = futures_util::future::join_all(
            (0..6).map(|_| world.post("/api/v1/auth/login", &body).send()),
        )
        .await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 401).count(), 2);
        assert_eq!(replies.iter().filter(|reply| reply.status == 429).count(), 4);
    });
}

#[test]
fn health_has_three_depths() {
    on_every_database::<Tasks>(async |world| {
        assert_eq!(world.get("/health/live").send().await.body, json!({ "status": "alive" }));
        let behind = world.get("/api/v1/health").header("host", "10.0.0.1").send().await;
        assert_eq!(behind.status, 400, "two hosts are no host");
        for path in ["/health", "/api/v1/health"] {
            let reply = world.get(path).send().await;
            assert_eq!((reply.status, &reply.body["status"]), (200, &json!("healthy")));
            let database = &reply.body["checks"]["database"];
            assert_eq!(database["migrations"]["applied"], database["migrations"]["expected"]);
            assert_eq!(reply.body["host"], "native");
        }
        assert_eq!(world.get("/health/ready").send().await.status, 200);
        for (phase, code) in [(Phase::Starting, "starting"), (Phase::Draining, "draining")] {
            world.host.phase.set(phase);
            let reply = world.get("/health/ready").send().await;
            assert_eq!((reply.outcome(), reply.header("retry-after")), ((503, code), "1"));
            assert_eq!(world.get("/health/live").send().await.status, 200);
        }
    });
}

#[test]
fn documents_are_hidden_in_production() {
    for (shown, status) in [("true", 200), ("false", 404)] {
        with_variables::<Tasks>(&[("API_DOCS", shown)], async |world| {
            let paths = operations::<Tasks>().into_iter().map(|described| described.endpoint.path);
            let pages = paths.filter(|path| path.starts_with("/docs"));
            for path in pages.chain(["/openapi.json"]) {
                assert_eq!(world.get(path).send().await.status, status, "{path}");
            }
        });
    }
}

#[test]
fn public_keys_are_published() {
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    with_variables::<Tasks>(&[("JWT_PRIVATE_KEY", &pem)], async |world| {
        let keys = world.get("/.well-known/jwks.json").send().await;
        assert_eq!(
            (&keys.body["keys"][0]["kty"], &keys.body["keys"][0]["alg"]),
            (&json!("EC"), &json!("ES256"))
        );
        assert_eq!(keys.body["keys"][0].get("d"), None);
        let ada = world.register("ada").await;
        assert_eq!(world.get("/api/v1/users/me").by(&ada).send().await.status, 200);
    });
    on_every_database::<Tasks>(async |world| {
        assert_eq!(world.get("/.well-known/jwks.json").send().await.body, json!({ "keys": [] }));
    });
}
