//! Lists of records: order, filters, pages, cursors.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{User, World, create, on_every_database};

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
