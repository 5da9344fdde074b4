//! Before the schema is what this build needs.

use serde_json::json;
use trireme_core::host::Phase;

use trireme_tasks::Tasks;
use trireme_world::{PASSWORD, execute, on_every_database};

#[test]
fn a_host_that_starts_asks_for_patience() {
    on_every_database::<Tasks>(async |world| {
        let user = world.register("ada").await;
        world.host.phase.set(Phase::Starting);
        let login = json!({ "email": "ada@example.com", "password": PASSWORD });
        for call in [
            world.post("/api/v1/auth/login", &login),
            world.get("/api/v1/tasks").by(&user),
            world.get("/health/ready"),
        ] {
            let reply = call.send().await;
            assert_eq!(reply.outcome(), (503, "starting"), "{reply:?}");
            assert_eq!(reply.header("retry-after"), "1");
        }
        // What needs no database is answered as always.
        assert_eq!(world.get("/health/live").send().await.status, 200);
        assert_eq!(world.get("/api/v1/tasks").send().await.outcome(), (401, "unauthenticated"));
        world.host.phase.set(Phase::Serving);
        assert_eq!(world.get("/api/v1/tasks").by(&user).send().await.status, 200);
    });
}

/// On a host that migrates nothing itself: no schema at all, or one that is older.
#[test]
fn a_schema_that_is_behind_is_no_fault_of_the_code() {
    on_every_database::<Tasks>(async |world| {
        let user = world.register("ada").await;
        let tasks = || world.get("/api/v1/tasks").by(&user);
        execute(world, "-- hide\nALTER TABLE tasks RENAME TO hidden", vec![]).await;
        let reply = tasks().send().await;
        assert_eq!(reply.outcome(), (500, "internal"), "the schema is as new as the code");

        execute(world, "-- older\nDELETE FROM schema_migrations WHERE version > 1", vec![]).await;
        let reply = tasks().send().await;
        assert_eq!(reply.outcome(), (503, "starting"), "{reply:?}");
        assert_eq!(reply.header("retry-after"), "1");

        execute(world, "-- none\nDROP TABLE schema_migrations", vec![]).await;
        assert_eq!(tasks().send().await.outcome(), (503, "starting"));
        assert_eq!(world.get("/health/ready").send().await.outcome(), (503, "starting"));
        let health = world.get("/health").send().await;
        assert_eq!(health.status, 503);
        assert_eq!(health.body["checks"]["database"]["migrations"]["applied"], 0, "{health:?}");
    });
}
