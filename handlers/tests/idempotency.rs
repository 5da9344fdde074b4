//! `Idempotency-Key`: retries make one record.

use std::time::Duration;

use serde_json::{Value, json};
use trireme_tasks::Tasks;
use trireme_world::{User, World, create, execute, on_every_database};

async fn sign_in(world: &World, name: &str) -> User {
    let body =
        json!({ "email": format!("{name}@example.com"), "password": trireme_world::PASSWORD });
    User::of(&world.post("/api/v1/auth/login", &body).send().await)
}

#[test]
fn a_key_makes_one_record() {
    on_every_database::<Tasks>(async |world| {
        let (mut ada, mut eve) = (world.register("ada").await, world.register("eve").await);
        let post = |user: &User, key: &str, body: Value| {
            world.post("/api/v1/tasks", &body).by(user).header("idempotency-key", key).send()
        };
        let first = post(&ada, "k", json!({ "title": "x" })).await;
        world.patch(first.header("location"), &json!({ "title": "changed" })).by(&ada).send().await;
        world.advance(Duration::from_secs(600));
        let again = post(&ada, "k", json!({ "title": "x" })).await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
        assert_eq!(
            (again.bytes.clone(), again.header("location"), again.header("etag")),
            (first.bytes.clone(), first.header("location"), first.header("etag"))
        );
        assert_eq!(first.header("idempotency-replayed"), "");
        let other = post(&ada, "k", json!({ "title": "y" })).await;
        assert_eq!(other.outcome(), (422, "idempotency_key_reused"));
        let elsewhere = world
            .post("/api/v1/contexts", &json!({ "name": "x" }))
            .by(&ada)
            .header("idempotency-key", "k")
            .send()
            .await;
        assert_eq!(elsewhere.outcome(), (422, "idempotency_key_reused"));
        assert_ne!(post(&eve, "k", json!({ "title": "x" })).await.bytes, first.bytes);
        world.advance(Duration::from_secs(24 * 3600));
        (ada, eve) = (sign_in(world, "ada").await, sign_in(world, "eve").await);
        let fresh = post(&ada, "k", json!({ "title": "y" })).await;
        assert_eq!((fresh.status, fresh.header("idempotency-replayed")), (201, ""));
        for wrong in ["", &"k".repeat(256)] {
            assert_eq!(post(&eve, wrong, json!({ "title": "x" })).await.status, 422);
        }
    });
}

/// Keys that were taken before the fingerprints were HMACs are those of the same requests.
#[test]
fn a_retry_across_an_upgrade_makes_no_second_record() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let post = |title: &str| {
            let body = json!({ "title": title });
            world.post("/api/v1/tasks", &body).by(&ada).header("idempotency-key", "k").send()
        };
        let first = post("x").await;
        let before = "R7Cvx6BNkCMqzudWwsWpKkYK7CiB5ZyuX7YYHX6g5Oc"; // SHA-256 of path, NUL and body
        let set = "-- set_fingerprint\nUPDATE idempotency_keys SET fingerprint = $1";
        execute(world, set, vec![before.into()]).await;
        let again = post("x").await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
        assert_eq!(again.bytes, first.bytes);
        assert_eq!(post("y").await.outcome(), (422, "idempotency_key_reused"));
    });
}

#[test]
fn a_refused_creation_is_not_remembered() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let unknown = json!({ "title": "x", "context_id": "00000000-0000-7000-8000-000000000000" });
        let post = |path: &'static str, body: &Value| {
            world.post(path, body).by(&ada).header("idempotency-key", "k").send()
        };
        assert_eq!(post("/api/v1/tasks", &unknown).await.status, 422);
        create(world, &ada, "/api/v1/contexts", json!({ "name": "Home" })).await;
        assert_eq!(
            post("/api/v1/contexts", &json!({ "name": "Home" })).await.outcome(),
            (409, "name_taken")
        );
        assert_eq!(trireme_world::count(world, "idempotency_keys").await, 0);
        assert_eq!(post("/api/v1/tasks", &json!({ "title": "x" })).await.status, 201);
    });
}

#[test]
fn concurrent_retries_make_one_record() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let body = json!({ "title": "x" });
        let replies = futures_util::future::join_all((0..8).map(|_| {
            world.post("/api/v1/tasks", &body).by(&ada).header("idempotency-key", "k").send()
        }))
        .await;
        let fresh =
            replies.iter().filter(|reply| reply.header("idempotency-replayed").is_empty()).count();
        assert_eq!(fresh, 1, "{replies:?}");
        assert!(replies.iter().all(|reply| reply.status == 201 && reply.bytes == replies[0].bytes));
        assert_eq!(trireme_world::count(world, "tasks").await, 1);
    });
}
