//! What is deleted is gone at once and without a trace, however large it is.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use trireme::{admin, maintenance};
use trireme_core::{
    Uuid,
    host::{Backend, Database as _, Host as _, Scope},
    sql::{Row as _, Statement},
};
use trireme_tasks::Tasks;
use trireme_world::{PASSWORD, Reply, User, World, create, on_every_database};

async fn read(world: &World, statement: Statement<'_>) -> Vec<String> {
    let rows = world.host.database().batch(Scope::Service, &[statement]).await.unwrap();
    rows[0].iter().map(|row| row.get::<&str>(0).unwrap().to_owned()).collect()
}

/// Every row of every table, as text.
async fn dump(world: &World) -> String {
    let postgres = world.host.database().backend() == Backend::Postgres;
    let tables = if postgres {
        "-- tables\nSELECT CAST(tablename AS text) FROM pg_tables WHERE schemaname = current_schema()"
    } else {
        "-- tables\nSELECT name FROM sqlite_master WHERE type = 'table'"
    };
    let mut all = String::new();
    let tables = read(world, Statement::read(tables, vec![])).await;
    assert!(tables.len() > 8, "{tables:?}");
    for table in tables {
        let row = if postgres {
            format!("CAST({table} AS text)")
        } else {
            let columns = format!("-- columns\nSELECT name FROM pragma_table_info('{table}')");
            let columns = read(world, Statement::read(columns, vec![])).await;
            columns
                .iter()
                .map(|name| format!("quote({name})"))
                .collect::<Vec<_>>()
                .join(" || ' ' || ")
        };
        let rows = Statement::read(format!("-- rows\nSELECT {row} FROM {table}"), vec![]);
        for row in read(world, rows).await {
            all.extend([&table, " ", &row, "\n"]);
        }
    }
    all
}

async fn maintain(world: &World) {
    for report in maintenance::run(&world.app, &world.host, 100).await.unwrap() {
        assert_eq!(report.outcome, maintenance::Outcome::Done, "{report:?}");
    }
}

/// Tasks by the thousand, past the API.
async fn add_tasks(world: &World, user: &User, context: Option<&str>, many: u128) {
    let id = |text: &str| Uuid::try_parse(text).unwrap();
    let insert = |number| {
        Statement::write(
            "-- add_task
             INSERT INTO tasks (id, user_id, context_id, title, title_folded, status, priority, created_at, updated_at, version)
             VALUES ($1, $2, $3, 'secret task', 'secret task', 'todo', 'low', $4, $4, 1)",
            vec![
                Uuid::from_u128(number).into(),
                id(&user.id).into(),
                context.map(id).into(),
                world.host.now().into(),
            ],
        )
    };
    let statements: Vec<_> = (1..=many).map(insert).collect();
    for part in statements.chunks(500) {
        world.host.database().batch(Scope::Service, part).await.unwrap();
    }
}

async fn delete_account(world: &World, user: &User) -> Reply {
    let body = json!({ "password": PASSWORD });
    world.delete("/api/v1/users/me").json(&body).by(user).send().await
}

#[track_caller]
fn assert_absent(dump: &str, trace: &str) {
    let line = dump.lines().find(|line| line.contains(trace));
    assert!(line.is_none(), "{trace} in {line:?}");
}

/// What tells of Ada, in any of the forms that something of ours could keep it in.
fn traces(ada: &User) -> Vec<String> {
    let mut traces: Vec<_> =
        ["ada@example.com", "secret", "192.0.2.1", "a-key", "Agent/1.0"].map(str::to_owned).into();
    traces.push(ada.id.clone());
    traces.push(ada.id.replace('-', ""));
    for known in ["ada@example.com", "192.0.2.1", &ada.id] {
        let hash = Sha256::digest(known);
        traces.push(URL_SAFE_NO_PAD.encode(&hash[..9]));
        traces.push(hash[..8].iter().map(|byte| format!("{byte:02x}")).collect());
    }
    traces
}

/// Signs up, fails to sign in, refreshes, makes records with a key: leaves traces everywhere.
async fn live(world: &World) -> User {
    let ada = world.register("ada").await;
    let wrong = json!({ "email": "ada@example.com", "password": "a wrong password" });
    assert_eq!(world.post("/api/v1/auth/login", &wrong).send().await.status, 401);
    let right = json!({ "email": "ada@example.com", "password": PASSWORD });
    let login = world.post("/api/v1/auth/login", &right).header("user-agent", "Agent/1.0");
    assert_eq!(login.send().await.status, 200);
    let refresh = json!({ "refresh_token": ada.refresh });
    let ada = User::of(&world.post("/api/v1/auth/refresh", &refresh).send().await);
    for (path, body) in [
        ("/api/v1/contexts", json!({ "name": "secret context" })),
        ("/api/v1/tasks", json!({ "title": "secret task", "description": "secret text" })),
    ] {
        let post = world
            .post(path, &body)
            .by(&ada)
            .header("idempotency-key", &format!("a-key-{}", path.len()));
        assert_eq!(post.send().await.status, 201);
    }
    ada
}

#[test]
fn a_deleted_account_is_nowhere_to_be_found() {
    on_every_database::<Tasks>(async |world| {
        let ada = live(world).await;
        let before = dump(world).await;
        for trace in ["ada@example.com", "a-key", "Agent/1.0", &ada.id] {
            assert!(before.contains(trace), "the dump would show {trace}");
        }
        assert_eq!(delete_account(world, &ada).await.status, 204);
        let after = dump(world).await;
        for trace in traces(&ada) {
            assert_absent(&after, &trace);
        }
        let attempts = after.lines().filter(|line| line.starts_with("rate_limits")).count();
        assert_eq!(attempts, 1, "of the address alone:\n{after}");
    });
}

/// Of several at once one does it; the others are told that the account is gone, or that its
/// password no longer is what it was, and nothing of conditions that they did not make.
#[test]
fn an_account_is_deleted_once() {
    on_every_database::<Tasks>(async |world| {
        for name in ["ada", "eve", "joe", "mia"] {
            let user = world.register(name).await;
            let all = (0..4).map(|_| delete_account(world, &user));
            let mut statuses: Vec<_> = futures_util::future::join_all(all)
                .await
                .into_iter()
                .map(|reply| reply.status)
                .collect();
            statuses.sort_unstable();
            assert_eq!(statuses[0], 204);
            assert!(statuses[1..].iter().all(|status| [401, 403].contains(status)), "{statuses:?}");
        }
    });
}

#[test]
fn attempts_are_counted_under_names_that_tell_nothing() {
    on_every_database::<Tasks>(async |world| {
        let ada = live(world).await;
        let keys =
            read(world, Statement::read("-- keys\nSELECT key FROM rate_limits", vec![])).await;
        assert_eq!(keys.len(), 2);
        for key in &keys {
            for part in key.split('.') {
                assert_eq!(URL_SAFE_NO_PAD.decode(part).unwrap().len(), 32, "a whole HMAC: {key}");
            }
            for trace in traces(&ada) {
                assert!(!key.contains(&trace), "{trace} in {key}");
            }
        }
    });
}

#[test]
fn a_large_account_is_gone_at_once_too() {
    on_every_database::<Tasks>(async |world| {
        let ada = live(world).await;
        world.advance(Duration::from_secs(1));
        add_tasks(world, &ada, None, 2_500).await;
        assert_eq!(delete_account(world, &ada).await.status, 204);
        assert!(trireme_world::count(world, "tasks").await > 1_000, "this is about what is left");

        let after = dump(world).await;
        for trace in ["ada@example.com", "a-key", "Agent/1.0", "$2b$"] {
            assert_absent(&after, trace);
        }
        for path in ["/api/v1/users/me", "/api/v1/tasks", "/api/v1/users/me/sessions"] {
            let reply = world.get(path).by(&ada).send().await;
            assert_eq!(reply.outcome(), (401, "session_ended"), "{path}");
        }
        let refresh = json!({ "refresh_token": ada.refresh });
        let reply = world.post("/api/v1/auth/refresh", &refresh).send().await;
        assert_eq!(reply.outcome(), (401, "invalid_refresh_token"));
        for email in ["ada@example.com".to_owned(), ada.id.clone()] {
            let login = json!({ "email": email, "password": PASSWORD });
            let reply = world.post("/api/v1/auth/login", &login).send().await;
            assert!([401, 422].contains(&reply.status), "{reply:?}");
        }
        assert!(admin::list(&world.host, 10).await.unwrap().is_empty());
        let absent = admin::disable(&world.host, "ada@example.com", false).await.unwrap_err();
        assert_eq!(absent.code.as_str(), "not_found");

        // Her address is free, and who takes it next sees nothing of hers.
        let next = world.register("ada").await;
        assert_ne!(next.id, ada.id);
        let tasks = world.get("/api/v1/tasks").by(&next).send().await;
        assert_eq!(tasks.body["items"], json!([]));
        create(world, &next, "/api/v1/tasks", json!({ "title": "hers" })).await;

        maintain(world).await;
        for (table, left) in [("tasks", 1), ("users", 1), ("sessions", 1), ("contexts", 0)] {
            assert_eq!(trireme_world::count(world, table).await, left, "{table}");
        }
        let after = dump(world).await;
        for trace in ["secret text", &ada.id] {
            assert_absent(&after, trace);
        }
    });
}

/// All tasks by their ids, and their order.
async fn tasks(world: &World, user: &User, query: &str) -> (BTreeMap<String, Value>, Vec<String>) {
    let (mut all, mut order, mut cursor) = (BTreeMap::new(), Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/tasks?limit=100{query}{cursor}");
        let page = world.get(&path).by(user).send().await;
        assert_eq!(page.status, 200, "{page:?}");
        for task in page.body["items"].as_array().unwrap() {
            let id = task["id"].as_str().unwrap().to_owned();
            order.push(id.clone());
            assert!(all.insert(id, task.clone()).is_none(), "twice: {task}");
        }
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (all, order),
        }
    }
}

#[test]
fn a_large_context_is_gone_at_once_too() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let context = create(world, &ada, "/api/v1/contexts", json!({ "name": "Home" })).await;
        let (id, place) = (context.text("/id").to_owned(), context.header("location").to_owned());
        add_tasks(world, &ada, Some(&id), 2_700).await;
        world.advance(Duration::from_secs(60));
        assert_eq!(world.delete(&place).by(&ada).send().await.status, 204);

        assert_eq!(world.get(&place).by(&ada).send().await.outcome(), (404, "not_found"));
        let patch = world.patch(&place, &json!({ "color": null })).by(&ada).send().await;
        assert_eq!(patch.outcome(), (404, "not_found"));
        assert_eq!(world.delete(&place).by(&ada).send().await.outcome(), (404, "not_found"));
        let list = world.get("/api/v1/contexts").by(&ada).send().await;
        assert_eq!(list.body["items"], json!([]));
        create(world, &ada, "/api/v1/contexts", json!({ "name": "Home" })).await;
        let filtered = tasks(world, &ada, &format!("&context_id={id}")).await;
        assert!(filtered.0.is_empty());
        let unknown = json!({ "title": "x", "context_id": id });
        let post = world.post("/api/v1/tasks", &unknown).by(&ada).send().await;
        assert_eq!(post.faults(), [("/context_id", "unknown_context")]);

        // A thousand went with each request and the others wait: nobody can tell which.
        let (before, order) = tasks(world, &ada, "&sort=updated_at").await;
        assert_eq!(before.len(), 2_700);
        for task in before.values() {
            assert_eq!((&task["context_id"], &task["version"]), (&Value::Null, &json!(2)));
        }
        let waiting = "-- waiting\nSELECT CAST(max(CAST(id AS text)) AS text) FROM tasks WHERE context_id IS NOT NULL";
        let waiting = format!("/api/v1/tasks/{}", trireme_world::text(world, waiting).await);
        let tag = world.get(&waiting).by(&ada).send().await.header("etag").to_owned();
        assert_eq!(tag, "\"2\"");
        let change = |body: Value, tag: &'static str| {
            world.patch(&waiting, &body).by(&ada).header("if-match", tag).send()
        };
        let stale = change(json!({ "title": "y" }), "\"1\"").await;
        assert_eq!(stale.outcome(), (412, "precondition_failed"));
        let moved = change(json!({ "context_id": id }), "\"2\"").await;
        assert_eq!(moved.faults(), [("/context_id", "unknown_context")]);
        let stale = world.delete(&waiting).by(&ada).header("if-match", "\"1\"").send().await;
        assert_eq!(stale.outcome(), (412, "precondition_failed"));

        maintain(world).await;
        let none = "-- none\nSELECT CAST(count(*) AS text) FROM tasks WHERE context_id IS NOT NULL";
        assert_eq!(trireme_world::text(world, none).await, "0");
        assert_eq!(trireme_world::count(world, "contexts").await, 1);
        let (after, again) = tasks(world, &ada, "&sort=updated_at").await;
        assert!(before == after && order == again, "nothing that was shown has changed");
        let known = world.get(&waiting).by(&ada).header("if-none-match", &tag).send().await;
        assert_eq!(known.status, 304);
    });
}

#[test]
fn a_task_that_waits_is_changed_and_deleted_like_any_other() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let context = create(world, &ada, "/api/v1/contexts", json!({ "name": "Home" })).await;
        add_tasks(world, &ada, Some(context.text("/id")), 1_002).await;
        assert_eq!(world.delete(context.header("location")).by(&ada).send().await.status, 204);
        let waiting = "-- waiting\nSELECT CAST(id AS text) FROM tasks WHERE context_id IS NOT NULL";
        let waiting = read(world, Statement::read(waiting, vec![])).await;
        let [changed, deleted] = &waiting[..] else { panic!("{waiting:?}") };
        let path = format!("/api/v1/tasks/{changed}");
        let patch =
            world.patch(&path, &json!({ "title": "y" })).by(&ada).header("if-match", "\"2\"");
        let patched = patch.send().await;
        assert_eq!((patched.status, patched.header("etag")), (200, "\"3\""));
        assert_eq!(patched.body["context_id"], Value::Null);
        let path = format!("/api/v1/tasks/{deleted}");
        let delete = world.delete(&path).by(&ada).header("if-match", "\"2\"").send().await;
        assert_eq!(delete.status, 204);
        maintain(world).await;
        let (all, _) = tasks(world, &ada, "").await;
        assert_eq!((all.len(), &all[changed]), (1_001, &patched.body));
    });
}

#[test]
fn a_deleted_record_is_quoted_nowhere_and_its_creation_still_replayed() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        for (path, body) in [
            (
                "/api/v1/tasks",
                json!({ "title": "secret task", "description": "secret text", "status": "done" }),
            ),
            ("/api/v1/contexts", json!({ "name": "secret context", "color": "#ABCDEF" })),
        ] {
            let post = || world.post(path, &body).by(&ada).header("idempotency-key", path).send();
            let made = post().await;
            assert_eq!(made.status, 201);
            world.advance(Duration::from_secs(60));
            let place = made.header("location");
            assert_eq!(world.delete(place).by(&ada).send().await.status, 204);
            let after = dump(world).await;
            assert_absent(&after, "secret");
            let mut request = Sha256::new();
            request.update(path);
            request.update([0]);
            request.update(body.to_string());
            assert_absent(&after, &URL_SAFE_NO_PAD.encode(request.finalize()));

            let again = post().await;
            assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
            assert_eq!((&again.bytes, again.header("location")), (&made.bytes, place));
            assert_eq!(again.header("etag"), made.header("etag"));
            let list = world.get(path).by(&ada).send().await;
            assert_eq!(list.body["items"], json!([]), "no second record");
        }
    });
}

#[test]
fn sessions_by_the_thousand_end_at_once() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let user = Uuid::try_parse(&ada.id).unwrap();
        let insert = |number| {
            Statement::write(
                "-- add_session
                 INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at)
                 SELECT $1, $2, created_at, last_used_at, expires_at FROM sessions WHERE user_id = $2 LIMIT 1",
                vec![Uuid::from_u128(number).into(), user.into()],
            )
        };
        let statements: Vec<_> = (1..=1_500).map(insert).collect();
        for part in statements.chunks(500) {
            world.host.database().batch(Scope::Service, part).await.unwrap();
        }
        let change =
            json!({ "current_password": PASSWORD, "new_password": "another fine password" });
        let change = world.post("/api/v1/users/me/password", &change).by(&ada).send().await;
        assert_eq!(change.status, 204);
        let list = world.get("/api/v1/users/me/sessions").by(&ada).send().await;
        assert_eq!(list.body["items"].as_array().unwrap().len(), 1, "{list:?}");
        let other = Scope::User { user, session: Some(Uuid::from_u128(1)) };
        let nothing = Statement::read("-- nothing\nSELECT 1", vec![]);
        let entered = world.host.database().batch(other, &[nothing]).await;
        assert!(matches!(entered, Err(trireme_core::sql::DatabaseError::SessionEnded)));

        maintain(world).await;
        assert_eq!(
            trireme_world::count(world, "sessions").await,
            501,
            "the others go by their age"
        );
        admin::disable(&world.host, "ada@example.com", true).await.unwrap();
        admin::disable(&world.host, "ada@example.com", false).await.unwrap();
        let me = world.get("/api/v1/users/me").by(&ada).send().await;
        assert_eq!(me.outcome(), (401, "session_ended"), "enabling brings no session back");
    });
}
