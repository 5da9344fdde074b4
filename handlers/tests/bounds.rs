//! Every promise with a number in it, on both sides of its bound.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use trireme_tasks::Tasks;
use trireme_world::{PASSWORD, Reply, User, World, create, on_every_database, with_variables};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Goes on to a millisecond before `duration` has passed; `MILLISECOND` later it has.
fn almost(world: &World, duration: Duration) {
    world.advance(duration.saturating_sub(MILLISECOND));
}

async fn login(world: &World, email: &str, password: &str) -> Reply {
    world.post("/api/v1/auth/login", &json!({ "email": email, "password": password })).send().await
}

async fn refresh(world: &World, user: &User) -> Reply {
    let body = json!({ "refresh_token": user.refresh });
    world.post("/api/v1/auth/refresh", &body).send().await
}

/// `ada`, signed in anew: her tokens may have ended.
async fn ada(world: &World) -> User {
    User::of(&login(world, "ada@example.com", PASSWORD).await)
}

#[test]
fn lengths_of_text() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let task = create(world, &ada, "/api/v1/tasks", json!({ "title": "x" })).await;
        let context = create(world, &ada, "/api/v1/contexts", json!({ "name": "x" })).await;
        let (task, context) = (task.header("location"), context.header("location"));
        let (post, patch) = (&Method::POST, &Method::PATCH);
        for (method, path, field, least, most) in [
            (post, "/api/v1/tasks", "title", 1, 200),
            (patch, task, "title", 1, 200),
            (post, "/api/v1/tasks", "description", 0, 10_000),
            (patch, task, "description", 0, 10_000),
            (post, "/api/v1/contexts", "name", 1, 100),
            (patch, context, "name", 1, 100),
            (patch, "/api/v1/users/me", "name", 1, 100),
        ] {
            // Scalar values are counted: not bytes, and not what UTF-16 has.
            let faults = async |length: usize| {
                let letter = if method == patch { "𝕐" } else { "𝕏" };
                let mut body = json!({ field: letter.repeat(length) });
                if (path, field) == ("/api/v1/tasks", "description") {
                    body["title"] = json!("x");
                }
                let reply = world.call(method.clone(), path).json(&body).by(&ada).send().await;
                assert!([200, 201, 422].contains(&reply.status), "{reply:?}");
                reply.faults().iter().map(|(at, code)| format!("{at} {code}")).collect::<String>()
            };
            let fault = format!("/{field} length");
            for length in [least, most] {
                assert_eq!(faults(length).await, "", "{method} {path} {field}: {length}");
            }
            assert_eq!(faults(most + 1).await, fault, "{method} {path} {field}");
            if let Some(less) = usize::checked_sub(least, 1) {
                assert_eq!(faults(less).await, fault, "{method} {path} {field}");
            }
        }
        for (length, status) in [(1, 200), (200, 200), (201, 422)] {
            let path = format!("/api/v1/tasks?q={}", "x".repeat(length));
            assert_eq!(world.get(&path).by(&ada).send().await.status, status, "q of {length}");
        }
    });
}

#[test]
fn lengths_of_accounts() {
    on_every_database::<Tasks>(async |world| {
        let register = async |email: &str, password: &str, name: &str| {
            let body = json!({ "email": email, "password": password, "name": name });
            let reply = world.post("/api/v1/auth/register", &body).send().await;
            match reply.faults()[..] {
                [] => assert_eq!(reply.status, 201, "{reply:?}"),
                _ => assert_eq!(reply.status, 422),
            }
            reply.faults().iter().map(|(at, code)| format!("{at} {code}")).collect::<String>()
        };
        let (fine, label) = ("a fine password", "d".repeat(63));
        let mailbox = |length: usize| format!("{}@a.example", "m".repeat(length));
        let address = |length: usize| {
            let start = format!("a@{label}.{label}.{label}.");
            let rest = "z".repeat(length - start.len());
            start + &rest
        };
        assert_eq!(register(&mailbox(64), fine, "x").await, "");
        assert_eq!(register(&mailbox(65), fine, "x").await, "/email email");
        assert_eq!(register(&address(254), fine, "x").await, "");
        assert_eq!(register(&address(255), fine, "x").await, "/email email");
        assert_eq!(register("a@a.example", fine, &"𝕏".repeat(100)).await, "");
        assert_eq!(register("b@a.example", fine, &"𝕏".repeat(101)).await, "/name length");
        // Passwords are counted in bytes: `é` has two.
        for (number, (password, fault)) in [
            ("abcdefg", "/password length"),
            ("abcdeéf", ""),
            ("abcdefgx", ""),
            (&"é".repeat(36), "/password common_password"),
            (&"éa".repeat(24), ""),
            (&format!("{}a", "éa".repeat(24)), "/password length"),
        ]
        .into_iter()
        .enumerate()
        {
            let email = format!("p{number}@a.example");
            assert_eq!(register(&email, password, "x").await, fault, "{password}");
        }
    });
}

#[test]
fn pages_have_1_to_100_records_and_20_unasked() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        for _ in 0..101 {
            create(world, &ada, "/api/v1/tasks", json!({ "title": "x" })).await;
        }
        for (query, length) in [("", 20), ("?limit=1", 1), ("?limit=100", 100)] {
            let list = world.get(&format!("/api/v1/tasks{query}")).by(&ada).send().await;
            assert_eq!(list.body["items"].as_array().map(Vec::len), Some(length), "{query}");
        }
        for limit in ["0", "101"] {
            let list = world.get(&format!("/api/v1/tasks?limit={limit}")).by(&ada).send().await;
            assert_eq!(list.faults(), [("/limit", "range")], "{limit}");
        }
    });
}

#[test]
fn a_key_is_kept_for_a_day() {
    on_every_database::<Tasks>(async |world| {
        world.register("ada").await;
        let post = async |key: &str| {
            let ada = ada(world).await;
            let body = json!({ "title": "x" });
            world.post("/api/v1/tasks", &body).by(&ada).header("idempotency-key", key).send().await
        };
        let first = post("k").await;
        almost(world, DAY);
        let kept = post("k").await;
        assert_eq!((kept.header("idempotency-replayed"), &kept.bytes), ("true", &first.bytes));
        world.advance(MILLISECOND);
        let forgotten = post("k").await;
        assert_eq!((forgotten.status, forgotten.header("idempotency-replayed")), (201, ""));
        assert_ne!(forgotten.text("/id"), first.text("/id"));
        // It is a new key from here on, for a day of its own.
        almost(world, DAY);
        assert_eq!(post("k").await.text("/id"), forgotten.text("/id"));

        for (length, status) in [(1, 201), (255, 201), (256, 422), (0, 422)] {
            assert_eq!(post(&"x".repeat(length)).await.status, status, "a key of {length}");
        }
    });
}

#[test]
fn a_refresh_token_has_ten_seconds_of_grace() {
    on_every_database::<Tasks>(async |world| {
        let first = world.register("ada").await;
        let second = User::of(&refresh(world, &first).await);
        almost(world, 10 * SECOND);
        assert_eq!(User::of(&refresh(world, &first).await).refresh, second.refresh);
        world.advance(MILLISECOND);
        assert_eq!(refresh(world, &first).await.outcome(), (401, "refresh_reused"));
        assert_eq!(refresh(world, &second).await.outcome(), (401, "invalid_refresh_token"));
    });
}

#[test]
fn a_refresh_token_lasts_30_days() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        almost(world, 30 * DAY);
        let next = refresh(world, &ada).await;
        assert_eq!(next.status, 200);
        // The successor has 30 days of its own, and not one millisecond more.
        world.advance(30 * DAY);
        let late = refresh(world, &User::of(&next)).await;
        assert_eq!(late.outcome(), (401, "invalid_refresh_token"));
    });
}

#[test]
fn a_session_unused_for_30_days_is_not_listed() {
    on_every_database::<Tasks>(async |world| {
        let mut first = world.register("ada").await;
        world.advance(60 * SECOND);
        ada(world).await;
        world.advance(10 * SECOND);
        first = User::of(&refresh(world, &first).await);
        let last_used = async |user: &User| {
            let list = world.get("/api/v1/users/me/sessions").by(user).send().await;
            let items = list.body["items"].as_array().cloned().unwrap_or_default();
            items.iter().map(|item| item["last_used_at"].clone()).collect::<Vec<_>>()
        };
        let times = [json!("2026-11-20T12:01:00.000Z"), json!("2026-11-20T12:01:10.000Z")];
        assert_eq!(last_used(&first).await, times, "the second, then the first");

        world.advance(19 * DAY);
        first = User::of(&refresh(world, &first).await);
        almost(world, Duration::from_secs(11 * 86_400 - 10));
        first = User::of(&refresh(world, &first).await);
        assert_eq!(last_used(&first).await.len(), 2);
        world.advance(MILLISECOND);
        assert_eq!(last_used(&first).await, [json!("2026-12-20T12:00:59.999Z")]);
    });
}

#[test]
fn a_session_lasts_180_days() {
    on_every_database::<Tasks>(async |world| {
        let mut ada = world.register("ada").await;
        for _ in 0..6 {
            world.advance(29 * DAY);
            ada = User::of(&refresh(world, &ada).await);
        }
        almost(world, 6 * DAY);
        let last = refresh(world, &ada).await;
        assert_eq!(
            (last.status, &last.body["expires_in"]),
            (200, &json!(1)),
            "no token outlives it"
        );
        world.advance(MILLISECOND);
        let late = refresh(world, &User::of(&last)).await;
        assert_eq!(late.outcome(), (401, "invalid_refresh_token"));
    });
}

#[test]
fn an_access_token_lasts_15_minutes_and_at_most_60_seconds_more() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let ask = || world.get("/api/v1/users/me").by(&ada).send();
        almost(world, 900 * SECOND);
        assert_eq!(ask().await.status, 200);
        // Half of the leeway that there may be.
        world.advance(30 * SECOND);
        assert_eq!(ask().await.status, 200);
        world.advance(MILLISECOND);
        assert_eq!(ask().await.outcome(), (401, "unauthenticated"));
    });
}

#[test]
fn an_address_has_60_attempts_in_60_seconds() {
    with_variables::<Tasks>(&[("RATE_LIMIT_AUTH_PER_ADDRESS", "")], async |world| {
        let attempt =
            || world.post("/api/v1/auth/refresh", &json!({ "refresh_token": "x" })).send();
        for number in 1..=60 {
            assert_eq!(attempt().await.status, 401, "{number}");
        }
        let refused = attempt().await;
        assert_eq!(
            (refused.outcome(), refused.header("retry-after")),
            ((429, "rate_limited"), "60")
        );
        almost(world, 60 * SECOND);
        let refused = attempt().await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
        world.advance(MILLISECOND);
        assert_eq!(attempt().await.status, 401);
    });
}

#[test]
fn an_account_has_10_failures_in_60_seconds() {
    on_every_database::<Tasks>(async |world| {
        world.register("ada").await;
        for number in 1..=10 {
            let reply = login(world, "ada@example.com", "wrong password").await;
            assert_eq!(reply.status, 401, "{number}");
        }
        let attempt = || login(world, "ada@example.com", PASSWORD);
        assert_eq!(attempt().await.outcome(), (429, "rate_limited"));
        almost(world, 60 * SECOND);
        assert_eq!(attempt().await.status, 429);
        world.advance(MILLISECOND);
        assert_eq!(attempt().await.status, 200);
    });
}

#[test]
fn a_request_has_ten_seconds() {
    // On PostgreSQL no answer is there before it is waited for.
    trireme_world::on_postgres::<Tasks>(&[], async |world| {
        let ada = world.register("ada").await;
        let read = || world.get("/api/v1/tasks").by(&ada).send();
        let write = || world.post("/api/v1/tasks", &json!({ "title": "x" })).by(&ada).send();
        assert_eq!((read().await.status, write().await.status), (200, 201));
        assert_eq!(world.host.wait.get(), 10 * SECOND);
        world.host.waits_are_over.set(true);
        assert_eq!(read().await.outcome(), (504, "timeout"));
        assert_eq!(write().await.outcome(), (503, "outcome_unknown"));
    });
}

#[test]
fn a_body_has_a_mebibyte() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        for (length, status) in [(1 << 20, 201), ((1 << 20) + 1, 413)] {
            let body = json!({ "title": "x" }).to_string();
            let body = format!("{body}{}", " ".repeat(length - body.len()));
            let call = world.call(Method::POST, "/api/v1/tasks").by(&ada);
            let reply = call.raw("application/json", body).send().await;
            assert_eq!(reply.status, status, "{length}");
        }
    });
}

#[test]
fn an_answer_over_a_kibibyte_is_compressed() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let body = |filling: usize| json!({ "title": "x", "description": "x".repeat(filling) });
        let empty = create(world, &ada, "/api/v1/tasks", body(0)).await.bytes.len();
        for (length, coding) in [(1024, ""), (1025, "gzip")] {
            let task = create(world, &ada, "/api/v1/tasks", body(length - empty)).await;
            assert_eq!(task.bytes.len(), length);
            let call = world.get(task.header("location")).by(&ada);
            let reply = call.header("accept-encoding", "gzip").send().await;
            assert_eq!(reply.header("content-encoding"), coding, "{length}");
        }
    });
}

#[test]
fn what_is_kept_of_a_client_is_bounded() {
    on_every_database::<Tasks>(async |world| {
        for (length, kept) in [(1, true), (128, true), (129, false)] {
            let id = "r".repeat(length);
            let reply = world.get("/health/live").header("x-request-id", &id).send().await;
            assert_eq!(reply.header("x-request-id") == id, kept, "a request id of {length}");
        }
        world.register("ada").await;
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let agent = "a".repeat(256);
        let call = world.post("/api/v1/auth/login", &body).header("user-agent", &agent);
        let mut ada = User::of(&call.send().await);
        for _ in 0..98 {
            ada = self::ada(world).await;
        }
        let sessions = async |user: &User| {
            let list = world.get("/api/v1/users/me/sessions").by(user).send().await;
            list.body["items"].as_array().cloned().unwrap_or_default()
        };
        let hundred = sessions(&ada).await;
        assert_eq!(hundred.len(), 100);
        assert_eq!(hundred[98]["user_agent"], agent[..255]);
        ada = self::ada(world).await;
        assert_eq!(sessions(&ada).await.len(), 100, "the newest hundred");
    });
}

#[test]
fn a_hundred_faults_are_listed() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        for (unknown, listed) in [(100, 100), (101, 100)] {
            let fields = (0..unknown).map(|number| (format!("f{number}"), Value::Null));
            let mut body: serde_json::Map<_, _> = fields.collect();
            body.insert("title".to_owned(), json!("x"));
            let reply = world.post("/api/v1/tasks", &Value::Object(body)).by(&ada).send().await;
            assert_eq!((reply.status, reply.faults().len()), (422, listed));
        }
    });
}

#[test]
fn browsers_keep_what_they_are_told() {
    let variables = [
        ("ENVIRONMENT", "production"),
        ("CORS_ORIGINS", "https://app.example.com"),
        ("BCRYPT_COST", "10"),
        ("ENFORCE_HTTPS", "false"),
        ("DATABASE_POOL_MIN", "0"),
    ];
    // Production takes no SQLite: on PostgreSQL alone.
    trireme_world::on_postgres::<Tasks>(&variables, async |world| {
        let reply = world.get("/health/live").send().await;
        let two_years = "max-age=63072000; includeSubDomains";
        assert_eq!(reply.header("strict-transport-security"), two_years);
    });
}
