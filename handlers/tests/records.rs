//! Contexts and tasks: every field, conditions, isolation, lists.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Reply, User, World, on_every_database};

async fn create(world: &World, user: &User, path: &str, body: Value) -> Reply {
    let reply = world.post(path, &body).by(user).send().await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply
}

async fn sign_in(world: &World, name: &str) -> User {
    let body = json!({ "email": format!("{name}@example.com"), "password": support::PASSWORD });
    User::of(&world.post("/api/v1/auth/login", &body).send().await)
}

#[test]
fn a_task_has_its_defaults_and_every_field() {
    on_every_database(async |world| {
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
    on_every_database(async |world| {
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
    on_every_database(async |world| {
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
    on_every_database(async |world| {
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
    on_every_database(async |world| {
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
    on_every_database(async |world| {
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
    on_every_database(async |world| {
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
        assert_eq!(left.body["updated_at"], "2026-11-20T12:00:01.000Z");
    });
}

#[test]
fn names_are_unique_for_each_user() {
    on_every_database(async |world| {
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
    on_every_database(async |world| {
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

async fn titles(world: &World, user: &User, query: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let reply = world.get(&format!("/api/v1/tasks?{query}{cursor}")).by(user).send().await;
        assert_eq!(reply.status, 200, "{query}: {reply:?}");
        let items = reply.body["items"].as_array().unwrap();
        all.extend(items.iter().map(|item| item["title"].as_str().unwrap().to_owned()));
        match reply.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[test]
fn lists_are_sorted_filtered_and_paged() {
    on_every_database(async |world| {
        let ada = world.register("ada").await;
        let due = [
            Some("2026-12-03T00:00:00Z"),
            None,
            Some("2026-12-01T00:00:00Z"),
            None,
            Some("2026-12-02T00:00:00Z"),
        ];
        for (title, due) in ["b", "Ä", "a", "B", "é"].into_iter().zip(due) {
            world.advance(Duration::from_millis(1));
            create(world, &ada, "/api/v1/tasks", json!({ "title": title, "due_at": due })).await;
        }
        for limit in [1, 2, 100] {
            let sorted = async |sort: &str| {
                titles(world, &ada, &format!("limit={limit}&sort={sort}")).await.concat()
            };
            assert_eq!(sorted("-created_at").await, "éBaÄb");
            assert_eq!(sorted("created_at").await, "bÄaBé");
            assert_eq!(sorted("updated_at").await, "bÄaBé");
            assert_eq!(sorted("title").await, "BabÄé");
            assert_eq!(sorted("-title").await, "éÄbaB");
            assert_eq!(sorted("due_at").await, "aébÄB", "what has no date comes last");
            assert_eq!(sorted("-due_at").await, "BÄbéa");
        }
        let filtered = async |query: &str| titles(world, &ada, query).await.concat();
        assert_eq!(filtered("due_before=2026-12-02T00:00:00Z").await, "a");
        assert_eq!(filtered("due_after=2026-12-02T00:00:00Z").await, "b");
        assert_eq!(filtered("q=%C3%84").await, "Ä");
        assert_eq!(filtered("q=%C3%A4").await, "Ä", "case is folded by Unicode's rules");
        assert_eq!(filtered("q=%25").await, "", "nothing in a search is a wildcard");
        assert_eq!(filtered("status=done").await, "");
        assert_eq!(filtered("status=todo&priority=medium&sort=title").await, "BabÄé");
    });
}

#[test]
fn a_page_is_not_moved_by_inserts() {
    on_every_database(async |world| {
        let ada = world.register("ada").await;
        for number in 0..6 {
            world.advance(Duration::from_millis(1));
            create(world, &ada, "/api/v1/tasks", json!({ "title": number.to_string() })).await;
        }
        let first = world.get("/api/v1/tasks?limit=3").by(&ada).send().await;
        world.advance(Duration::from_millis(1));
        create(world, &ada, "/api/v1/tasks", json!({ "title": "new" })).await;
        let path = format!("/api/v1/tasks?limit=3&cursor={}", first.text("/next_cursor"));
        let second = world.get(&path).by(&ada).send().await;
        let titles: Vec<_> = second.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["title"].clone())
            .collect();
        assert_eq!(titles, ["2", "1", "0"]);
        assert_eq!(second.body["next_cursor"], Value::Null);
    });
}

#[test]
fn cursors_belong_to_their_user_filter_and_sort() {
    on_every_database(async |world| {
        let (ada, eve) = (world.register("ada").await, world.register("eve").await);
        for user in [&ada, &ada, &eve, &eve] {
            create(world, user, "/api/v1/tasks", json!({ "title": "x" })).await;
        }
        let first = world.get("/api/v1/tasks?limit=1&status=todo").by(&ada).send().await;
        let cursor = first.text("/next_cursor");
        let outcome = async |user: &User, query: &str| {
            let reply =
                world.get(&format!("/api/v1/tasks?cursor={cursor}{query}")).by(user).send().await;
            (reply.status, reply.body["code"].as_str().unwrap_or_default().to_owned())
        };
        assert_eq!(outcome(&ada, "&status=todo").await.0, 200);
        let refused = (400, "invalid_cursor".to_owned());
        assert_eq!(outcome(&eve, "&status=todo").await, refused);
        assert_eq!(outcome(&ada, "").await, refused);
        assert_eq!(outcome(&ada, "&status=done").await, refused);
        assert_eq!(outcome(&ada, "&status=todo&sort=title").await, refused);
        let forged = world.get("/api/v1/tasks?cursor=AAAA").by(&ada).send().await;
        assert_eq!(forged.outcome(), (400, "invalid_cursor"));
        for (query, pointer, code) in [
            ("limit=0", "/limit", "range"),
            ("limit=101", "/limit", "range"),
            ("limit=ten", "/limit", "type"),
            ("sort=version", "/sort", "enum"),
            ("page=2", "/page", "unknown_parameter"),
            ("q=", "/q", "length"),
        ] {
            let reply = world.get(&format!("/api/v1/tasks?{query}")).by(&ada).send().await;
            assert_eq!(reply.faults(), [(pointer, code)], "{query}");
        }
        let twice = world.get("/api/v1/tasks?limit=1&limit=2").by(&ada).send().await;
        assert_eq!(twice.outcome(), (400, "malformed_query"));
        let unasked = world.get("/api/v1/users/me?x=1").by(&ada).send().await;
        assert_eq!(unasked.faults(), [("/x", "unknown_parameter")]);
    });
}

#[test]
fn a_key_makes_one_record() {
    on_every_database(async |world| {
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

#[test]
fn a_refused_creation_is_not_remembered() {
    on_every_database(async |world| {
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
        assert_eq!(support::count(world, "idempotency_keys").await, 0);
        assert_eq!(post("/api/v1/tasks", &json!({ "title": "x" })).await.status, 201);
    });
}

#[test]
fn concurrent_retries_make_one_record() {
    on_every_database(async |world| {
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
        assert_eq!(support::count(world, "tasks").await, 1);
    });
}
