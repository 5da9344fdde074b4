//! The bare server on a database with Trireme's schema.

use trireme_testbed::{Database, Postgres, Server, ServerOptions, http, require};

const USER: &str = "0191f0a0-0000-7000-8000-000000000001";
const SESSION: &str = "0191f0a0-0000-7000-8000-000000000002";
const TASK: &str = "0191f0a0-0000-7000-8000-000000000003";

fn migrate(database: &Database) {
    for series in ["shared", "tasks"] {
        let folder = format!("{}/../{series}/migrations/postgres", env!("CARGO_MANIFEST_DIR"));
        let mut files =
            std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect::<Vec<_>>();
        files.sort();
        for file in files {
            database.run(&std::fs::read_to_string(file).unwrap()).unwrap();
        }
    }
    database.run(include_str!("../check_user.sql")).unwrap();
}

fn with_a_task(database: &Database) {
    migrate(database);
    database
        .run(&format!(
            "INSERT INTO users (id, email, created_at, updated_at, version)
             VALUES ('{USER}', 'a@example.com', 'epoch', 'epoch', 1);
             INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at)
             VALUES ('{SESSION}', '{USER}', 'epoch', 'epoch', 'infinity');
             INSERT INTO tasks (id, user_id, title, status, priority, due_at, created_at, updated_at, version, title_folded)
             VALUES ('{TASK}', '{USER}', 'Sail', 'todo', 'low', '2026-12-24T12:00:00.5Z', 'epoch', 'epoch', 1, 'sail')"
        ))
        .unwrap();
}

fn start(database: &Database) -> ServerOptions {
    ServerOptions::new(env!("CARGO_BIN_EXE_bare")).env("DATABASE_URL", database.url())
}

#[test]
fn each_manner_reads_the_task() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let database = Database::create(postgres).unwrap();
    with_a_task(&database);
    let bare = Server::start(start(&database)).unwrap();
    let read = |manner: &str, session: &str| {
        http::get(bare.port(), &format!("/tasks/{manner}/{USER}/{session}/{TASK}")).unwrap()
    };
    for manner in ["entered", "checked", "plain"] {
        let answer = read(manner, SESSION);
        assert_eq!(answer.status, 200, "{manner}: {}", answer.body);
        assert!(answer.body.contains(r#""due_at":"2026-12-24T12:00:00.500Z""#), "{}", answer.body);
    }
    assert_eq!(read("entered", TASK).status, 500, "that is no session");
    assert_eq!(read("checked", TASK).status, 500, "that is no session");
}

/// Prepared, and as through a pooler.
#[test]
fn tasks_are_listed_made_and_changed() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    for unprepared in ["false", "true"] {
        let database = Database::create(postgres).unwrap();
        with_a_task(&database);
        let bare = Server::start(start(&database).env("UNPREPARED", unprepared)).unwrap();
        let all = format!("/tasks/entered/{USER}/{SESSION}");
        let new = r#"{"title":"Rope","description":"Ten","priority":"high"}"#;
        for key in ["", "Idempotency-Key: k\r\n", "Idempotency-Key: l\r\n"] {
            let answer = http::post_with(bare.port(), &all, "", key, new).unwrap();
            assert_eq!(answer.status, 201, "{key}: {}", answer.body);
        }
        assert_eq!(database.run("SELECT count(*) FROM idempotency_keys").unwrap(), "2");
        let page = http::get(bare.port(), &all).unwrap();
        assert_eq!((page.status, page.body.matches("Rope").count()), (200, 3), "{}", page.body);

        let patch = |version| {
            let body = r#"{"status":"done"}"#;
            let head = format!("Host: a\r\nConnection: close\r\nIf-Match: \"{version}\"");
            let head = format!("{head}\r\nContent-Length: {}", body.len());
            let request = format!("PATCH {all}/{TASK} HTTP/1.1\r\n{head}\r\n\r\n{body}");
            http::raw(bare.port(), request.as_bytes()).unwrap()
        };
        let changed = patch(1);
        assert!(changed.starts_with("HTTP/1.1 200"), "{changed}");
        assert!(changed.contains("etag: \"2\"") && changed.contains("done"), "{changed}");
        assert!(patch(1).starts_with("HTTP/1.1 412"), "that version is gone");
    }
}
