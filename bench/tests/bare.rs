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

#[test]
fn each_manner_reads_the_task() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let database = Database::create(postgres).unwrap();
    migrate(&database);
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
    let bare = ServerOptions::new(env!("CARGO_BIN_EXE_bare")).env("DATABASE_URL", database.url());
    let bare = Server::start(bare).unwrap();
    let read = |manner: &str, session: &str| {
        http::get(bare.port(), &format!("/read/{manner}/{USER}/{session}/{TASK}")).unwrap()
    };
    for manner in ["entered", "checked", "plain"] {
        let answer = read(manner, SESSION);
        assert_eq!(answer.status, 200, "{manner}: {}", answer.body);
        assert!(answer.body.contains(r#""due_at":"2026-12-24T12:00:00.500Z""#), "{}", answer.body);
    }
    assert_eq!(read("entered", TASK).status, 500, "that is no session");
    assert_eq!(read("checked", TASK).status, 500, "that is no session");
}
