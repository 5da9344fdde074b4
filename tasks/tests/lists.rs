//! Lists of records: order, filters, pages, cursors.

use std::time::Duration;

use serde_json::{Value, json};
use trireme_core::Timestamp;
use trireme_tasks::Tasks;
use trireme_world::{User, World, create, on_every_database};

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
    on_every_database::<Tasks>(async |world| {
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
    on_every_database::<Tasks>(async |world| {
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
    on_every_database::<Tasks>(async |world| {
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
            ("limit=-1", "/limit", "range"),
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
fn records_of_one_millisecond_are_in_the_order_of_their_making() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let mut made = Vec::new();
        for number in 0..24 {
            let title = format!("{number:02}");
            create(world, &ada, "/api/v1/tasks", json!({ "title": title })).await;
            made.push(title);
        }
        for limit in [5, 100] {
            let list =
                async |sort: &str| titles(world, &ada, &format!("limit={limit}&sort={sort}")).await;
            assert_eq!(list("created_at").await, made);
            let newest_first: Vec<_> = made.iter().rev().cloned().collect();
            assert_eq!(list("-created_at").await, newest_first);
        }
    });
}

#[test]
fn a_search_is_blind_to_case() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        for title in ["ΟΔΥΣΣΕΑΣ", "Straße", "STRAẞE", "oﬃce", "İzmir", "ısı", "ꭰꭱ", "Kelvin"]
        {
            create(world, &ada, "/api/v1/tasks", json!({ "title": title })).await;
        }
        let described = json!({ "title": "x", "description": "ὈΔΥΣΣΕΎΣ ἐστίν" });
        create(world, &ada, "/api/v1/tasks", described).await;
        let found = async |q: &str| {
            let q: String = q.bytes().map(|byte| format!("%{byte:02x}")).collect();
            titles(world, &ada, &format!("sort=created_at&q={q}")).await
        };
        for q in ["ΟΔΥΣ", "οδυς", "οδυσ", "οδυσσεας", "σσεασ", "ΑΣ"] {
            assert_eq!(found(q).await, ["ΟΔΥΣΣΕΑΣ"], "{q}");
        }
        for q in ["ὀδυσσεύς", "ὈΔΥΣ", "ύσ ἐ"] {
            assert_eq!(found(q).await, ["x"], "{q}");
        }
        for q in ["strasse", "STRASSE", "straße", "ẞE", "SSE"] {
            assert_eq!(found(q).await, ["Straße", "STRAẞE"], "{q}");
        }
        for (q, title) in [
            ("OFFICE", "oﬃce"),
            ("ﬃ", "oﬃce"),
            ("i̇ZMIR", "İzmir"),
            ("ISI", ""),
            ("ıSı", "ısı"),
            ("ᎠᎡ", "ꭰꭱ"),
            ("kelvin", "Kelvin"),
        ] {
            assert_eq!(found(q).await.concat(), title, "{q}");
        }
    });
}

#[test]
fn years_are_from_1_to_9999() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let post = |due: &str| {
            world.post("/api/v1/tasks", &json!({ "title": due, "due_at": due })).by(&ada).send()
        };
        let taken = [
            ("0001-01-01T01:00:00+01:00", "0001-01-01T00:00:00.000Z"),
            ("1882-12-31T23:59:59.999Z", "1882-12-31T23:59:59.999Z"),
            ("2026-11-20t12:00:00.1239z", "2026-11-20T12:00:00.123Z"),
            ("9999-12-31T22:59:59.999-01:00", "9999-12-31T23:59:59.999Z"),
        ];
        for (due, utc) in taken {
            let reply = post(due).await;
            assert_eq!((reply.status, &reply.body["due_at"]), (201, &json!(utc)), "{due}");
            let read = world.get(reply.header("location")).by(&ada).send().await;
            assert_eq!(read.bytes, reply.bytes, "{due}");
        }
        let task = post(taken[0].0).await;
        world.delete(task.header("location")).by(&ada).send().await;
        let path = format!("/api/v1/tasks/{}", post(taken[1].0).await.text("/id"));
        for wrong in [
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "10000-01-01T00:00:00Z",
        ] {
            assert_eq!(post(wrong).await.faults(), [("/due_at", "date_time")], "{wrong}");
            let patch = world.patch(&path, &json!({ "due_at": wrong })).by(&ada).send().await;
            assert_eq!(patch.faults(), [("/due_at", "date_time")], "{wrong}");
            for filter in ["due_before", "due_after"] {
                let query = format!("/api/v1/tasks?{filter}={}", wrong.replace('+', "%2B"));
                let list = world.get(&query).by(&ada).send().await;
                assert_eq!(list.faults(), [(&*format!("/{filter}"), "date_time")], "{wrong}");
            }
        }
        world.delete(&path).by(&ada).send().await;

        // One that was taken when year 0 was: it is shown as the first moment, and breaks no list.
        let old = create(world, &ada, "/api/v1/tasks", json!({ "title": "old" })).await;
        let year_0 = Timestamp::from_millis(-62_167_219_200_000);
        trireme_world::execute(
            world,
            "-- age\nUPDATE tasks SET due_at = $1 WHERE title = 'old'",
            vec![year_0.into()],
        )
        .await;
        let read = world.get(old.header("location")).by(&ada).send().await;
        assert_eq!(read.body["due_at"], "0001-01-01T00:00:00.000Z");
        let mut order: Vec<_> = taken.iter().map(|(due, _)| *due).collect();
        order.insert(0, "old");
        for limit in [1, 2, 100] {
            assert_eq!(titles(world, &ada, &format!("limit={limit}&sort=due_at")).await, order);
            let mut back = titles(world, &ada, &format!("limit={limit}&sort=-due_at")).await;
            back.reverse();
            assert_eq!(back, order);
        }
        let filtered =
            async |query: &str| titles(world, &ada, &format!("sort=due_at&{query}")).await;
        assert_eq!(filtered("due_after=0001-01-01T00:00:00Z").await, order[2..]);
        assert_eq!(filtered("due_before=0001-01-01T00:00:00.001Z").await, order[..2]);
        assert_eq!(filtered("due_after=9999-12-31T23:59:59.998Z").await, order[4..]);
        assert_eq!(filtered("due_before=9999-12-31T23:59:59.999Z").await, order[..4]);
    });
}
