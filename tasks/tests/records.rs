//! Contexts and tasks: every field, conditions, isolation.

use std::time::Duration;

use serde_json::{Value, json};
use trireme_tasks::Tasks;
use trireme_world::{create, on_every_database};

#[test]
fn a_task_has_its_defaults_and_every_field() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let plain = create(world, &ada, "/api/v1/tasks", json!({ "title": "x" })).await;
        let id = plain.text("/id").to_owned();
        let due = json!({
            "id": id, "title": "x", "description": null, "status": "todo", "priority": "medium",
            "due_at": null, "context_id": null, "completed_at": null,
            "created_at": "2026-11-20T12:00:00.000Z", "updated_at": "2026-11-20T12:00:00.000Z", "version": 1,
        });
        assert_eq!(plain.body, due);
        assert_eq!(
            (plain.header("location"), plain.header("etag")),
            (&*format!("/api/v1/tasks/{id}"), "\"1\"")
        );
        let read = world.get(&format!("/api/v1/tasks/{id}")).by(&ada).send().await;
        assert_eq!(read.bytes, plain.bytes, "what was answered is what is kept");

        let context =
            create(world, &ada, "/api/v1/contexts", json!({ "name": "Home", "color": "#1E90FF" }))
                .await;
        assert_eq!(context.body["color"], "#1e90ff");
        let full = create(
            world,
            &ada,
            "/api/v1/tasks",
            json!({
                "title": "Öl", "description": "👩‍👩‍👧‍👦", "status": "done", "priority": "high",
                "due_at": "2026-12-24T18:00:00.5+01:00", "context_id": context.body["id"],
            }),
        )
        .await;
        assert_eq!(full.body["due_at"], "2026-12-24T17:00:00.500Z");
        assert_eq!(full.body["completed_at"], "2026-11-20T12:00:00.000Z");
        let read = world.get(&format!("/api/v1/tasks/{}", full.text("/id"))).by(&ada).send().await;
        assert_eq!(read.bytes, full.bytes);
        let context = world.get(context.header("location")).by(&ada).send().await;
        assert_eq!(context.body["task_count"], 1);
    });
}

#[test]
fn faults_are_listed_all_at_once() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let body = json!({
            "title": "", "description": 5, "status": "later", "priority": null, "due_at": "tomorrow",
            "context_id": "x", "colour": "red",
        });
        let reply = world.post("/api/v1/tasks", &body).by(&ada).send().await;
        assert_eq!(reply.outcome(), (422, "invalid"));
        let mut faults = reply.faults();
        faults.sort_unstable();
        let due = [
            ("/colour", "unknown_field"),
            ("/context_id", "uuid"),
            ("/description", "type"),
            ("/due_at", "date_time"),
            ("/priority", "null"),
            ("/status", "enum"),
            ("/title", "length"),
        ];
        assert_eq!(faults, due);
    });
}

#[test]
fn completion_follows_the_status() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let task = create(world, &ada, "/api/v1/tasks", json!({ "title": "x" })).await;
        let path = task.header("location").to_owned();
        let change = async |body: Value| {
            world.advance(Duration::from_secs(1));
            world.patch(&path, &body).by(&ada).send().await.body
        };
        let done = change(json!({ "status": "done" })).await;
        assert_eq!(done["completed_at"], "2026-11-20T12:00:01.000Z");
        let still = change(json!({ "status": "done", "title": "y" })).await;
        assert_eq!(still["completed_at"], "2026-11-20T12:00:01.000Z");
        let other = change(json!({ "priority": "low" })).await;
        assert_eq!(other["completed_at"], "2026-11-20T12:00:01.000Z");
        let left = change(json!({ "status": "in_progress" })).await;
        assert_eq!((&left["completed_at"], &left["version"]), (&Value::Null, &json!(5)));
        assert_eq!(left["updated_at"], "2026-11-20T12:00:04.000Z");
    });
}

#[test]
fn a_patch_is_a_merge_patch() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let task = create(
            world,
            &ada,
            "/api/v1/tasks",
            json!({ "title": "x", "description": "y", "due_at": "2026-12-01T00:00:00Z" }),
        )
        .await;
        let path = task.header("location");
        let patch = |media: &'static str, body: &'static str| {
            world.call(http::Method::PATCH, path).by(&ada).raw(media, body).send()
        };
        let changed = patch("application/merge-patch+json", r#"{"description":null}"#).await;
        assert_eq!(
            (&changed.body["description"], &changed.body["due_at"]),
            (&Value::Null, &json!("2026-12-01T00:00:00.000Z"))
        );
        assert_eq!(
            patch("application/json", r#"{"title":null}"#).await.faults(),
            [("/title", "null")]
        );
        assert_eq!(patch("application/json", "[]").await.outcome(), (422, "invalid"));
        assert_eq!(patch("application/json", "{").await.outcome(), (400, "malformed_json"));
        assert_eq!(patch("text/plain", "{}").await.outcome(), (415, "unsupported_media_type"));
        let post = world
            .call(http::Method::POST, "/api/v1/tasks")
            .by(&ada)
            .raw("application/merge-patch+json", "{}");
        assert_eq!(post.send().await.status, 415);
    });
}

#[test]
fn conditions_are_heeded() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let task = create(world, &ada, "/api/v1/tasks", json!({ "title": "x" })).await;
        let path = task.header("location");
        let known =
            |tag: &'static str| world.get(path).by(&ada).header("if-none-match", tag).send();
        for tag in ["\"1\"", "W/\"1\"", "\"7\", \"1\"", "*", "\"1-gzip\""] {
            let reply = known(tag).await;
            assert_eq!(
                (reply.status, reply.bytes.len(), reply.header("etag")),
                (304, 0, "\"1\""),
                "{tag}"
            );
        }
        assert_eq!(known("\"2\"").await.status, 200);

        let change = |tag: &'static str| {
            world.patch(path, &json!({ "title": "y" })).by(&ada).header("if-match", tag).send()
        };
        for tag in ["\"2\"", "W/\"1\"", "\"%\"", "1", "\"1,\""] {
            assert_eq!(change(tag).await.outcome(), (412, "precondition_failed"), "{tag}");
        }
        let changed = change("\"9\", \"1\"").await;
        assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
        assert_eq!(change("*").await.header("etag"), "\"3\"");
        let delete = |tag: &'static str| world.delete(path).by(&ada).header("if-match", tag).send();
        assert_eq!(delete("\"1\"").await.status, 412);
        assert_eq!(delete("\"3\"").await.status, 204);
        assert_eq!(delete("\"3\"").await.status, 404);
        assert_eq!(known("*").await.status, 404);
    });
}

#[test]
fn the_tag_of_a_context_counts_its_tasks() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let context = create(world, &ada, "/api/v1/contexts", json!({ "name": "Home" })).await;
        let (path, tag) = (context.header("location"), context.header("etag"));
        create(
            world,
            &ada,
            "/api/v1/tasks",
            json!({ "title": "x", "context_id": context.body["id"] }),
        )
        .await;
        let change = |tag: &str| {
            world
                .patch(path, &json!({ "color": "#000000" }))
                .by(&ada)
                .header("if-match", tag)
                .send()
        };
        assert_eq!(change(tag).await.status, 412);
        let now = world.get(path).by(&ada).send().await;
        let changed = change(now.header("etag")).await;
        assert_eq!((changed.status, &changed.body["version"]), (200, &json!(2)));
    });
}

#[test]
fn tasks_outlive_their_context() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let context = create(world, &ada, "/api/v1/contexts", json!({ "name": "Home" })).await;
        let task = create(
            world,
            &ada,
            "/api/v1/tasks",
            json!({ "title": "x", "context_id": context.body["id"] }),
        )
        .await;
        world.advance(Duration::from_secs(1));
        let stale = world
            .delete(context.header("location"))
            .by(&ada)
            .header("if-match", "\"9-1\"")
            .send()
            .await;
        assert_eq!(stale.status, 412);
        let gone = world
            .delete(context.header("location"))
            .by(&ada)
            .header("if-match", "\"1-1\"")
            .send()
            .await;
        assert_eq!(gone.status, 204);
        let left = world.get(task.header("location")).by(&ada).send().await;
        assert_eq!((&left.body["context_id"], &left.body["version"]), (&Value::Null, &json!(2)));
        assert_eq!(left.body["updated_at"], task.body["updated_at"], "its owner did not change it");
    });
}

#[test]
fn names_are_unique_for_each_user() {
    on_every_database::<Tasks>(async |world| {
        let (ada, eve) = (world.register("ada").await, world.register("eve").await);
        create(world, &ada, "/api/v1/contexts", json!({ "name": "Home" })).await;
        create(world, &eve, "/api/v1/contexts", json!({ "name": "Home" })).await;
        let work = create(world, &ada, "/api/v1/contexts", json!({ "name": "Work" })).await;
        let again =
            world.post("/api/v1/contexts", &json!({ "name": "Home" })).by(&ada).send().await;
        assert_eq!(again.outcome(), (409, "name_taken"));
        let renamed =
            world.patch(work.header("location"), &json!({ "name": "Home" })).by(&ada).send().await;
        assert_eq!(renamed.outcome(), (409, "name_taken"));
    });
}

#[test]
fn nobody_reaches_anothers_records() {
    on_every_database::<Tasks>(async |world| {
        let (ada, eve) = (world.register("ada").await, world.register("eve").await);
        let context = create(world, &ada, "/api/v1/contexts", json!({ "name": "Home" })).await;
        let task = create(world, &ada, "/api/v1/tasks", json!({ "title": "x" })).await;
        for path in [task.header("location"), context.header("location")] {
            let (folder, _) = path.rsplit_once('/').unwrap();
            let absent = format!("{folder}/00000000-0000-7000-8000-000000000000");
            let call = async |method: http::Method, path: &str| {
                let call = world
                    .call(method, path)
                    .by(&eve)
                    .json(&json!({ "color": null, "description": null }));
                let mut reply = call.send().await;
                reply.body["request_id"] = Value::Null;
                (reply.status, reply.body)
            };
            for method in [http::Method::GET, http::Method::DELETE] {
                let hers = call(method.clone(), path).await;
                assert_eq!(hers.0, 404);
                assert_eq!(hers, call(method, &absent).await, "the two look the same");
            }
            let patch = world.patch(path, &json!({})).by(&eve).send().await;
            assert_eq!(patch.outcome(), (404, "not_found"));
            assert_eq!(world.get(path).by(&ada).send().await.body["version"], 1);
            assert_eq!(world.get(folder).by(&eve).send().await.body["items"], json!([]));
        }
        let body = json!({ "title": "x", "context_id": context.body["id"] });
        let foreign = world.post("/api/v1/tasks", &body).by(&eve).send().await;
        assert_eq!(foreign.faults(), [("/context_id", "unknown_context")]);
        let own = create(world, &eve, "/api/v1/tasks", json!({ "title": "x" })).await;
        let moved = world
            .patch(own.header("location"), &json!({ "context_id": context.body["id"] }))
            .by(&eve)
            .send()
            .await;
        assert_eq!(moved.faults(), [("/context_id", "unknown_context")]);
    });
}
