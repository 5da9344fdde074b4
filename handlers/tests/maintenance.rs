//! What is done beside requests: sweeping in pieces, one instance at a time, by indexes.

use std::time::Duration;

use serde_json::json;
use trireme::maintenance::{self, Outcome, Report};
use trireme_core::{
    Timestamp, Uuid,
    host::{Backend, Database as _, Host as _, Scope},
    sql::{Row as _, Statement, Value},
};
use trireme_tasks::Tasks;
use trireme_world::{PASSWORD, User, World, on_every_database};

async fn run(world: &World, pieces: u32) -> Vec<Report> {
    let reports = maintenance::run(&world.app, &world.host, pieces).await.unwrap();
    for report in &reports {
        assert!(report.cause.is_none(), "{report:?}");
    }
    reports
}

fn of<'r>(reports: &'r [Report], step: &str) -> &'r Report {
    reports.iter().find(|report| report.step == step).unwrap()
}

async fn batch(world: &World, statements: &[Statement<'_>]) {
    for part in statements.chunks(500) {
        world.host.database().batch(Scope::Service, part).await.unwrap();
    }
}

/// Attempts that ended at `resets_at`.
async fn attempts(world: &World, prefix: &str, many: usize, resets_at: Timestamp) {
    let insert = |number| {
        Statement::write(
            "-- insert_attempt\nINSERT INTO rate_limits (key, used, resets_at) VALUES ($1, 1, $2)",
            vec![format!("{prefix}{number}").into(), resets_at.into()],
        )
    };
    batch(world, &(0..many).map(insert).collect::<Vec<_>>()).await;
}

#[test]
fn what_has_expired_is_removed_piece_by_piece() {
    on_every_database::<Tasks>(async |world| {
        let now = trireme_world::START;
        attempts(world, "old", 2_500, now).await;
        attempts(world, "new", 10, now.plus(Duration::from_secs(1))).await;
        let reports = run(world, 1).await;
        let first = of(&reports, "attempts");
        assert_eq!((first.due, first.rows, first.outcome), (2_500, 1_000, Outcome::Unfinished));
        assert_eq!(trireme_world::count(world, "rate_limits").await, 1_510);

        let reports = run(world, 100).await;
        let rest = of(&reports, "attempts");
        assert_eq!((rest.due, rest.rows, rest.outcome), (1_500, 1_500, Outcome::Done));
        assert_eq!(trireme_world::count(world, "rate_limits").await, 10, "those still count");
        assert_eq!(trireme_world::count(world, "leases").await, 0, "nobody is at it any more");
        assert_eq!(run(world, 1).await.iter().map(|report| report.rows).sum::<u64>(), 0);
    });
}

#[test]
fn everything_that_grows_is_swept() {
    on_every_database::<Tasks>(async |world| {
        let mut ada = world.register("ada").await;
        let post = world.post("/api/v1/tasks", &json!({ "title": "x" })).by(&ada);
        assert_eq!(post.header("idempotency-key", "k").send().await.status, 201);
        for _ in 0..3 {
            let refresh = json!({ "refresh_token": ada.refresh });
            ada = User::of(&world.post("/api/v1/auth/refresh", &refresh).send().await);
        }
        let used = ada.refresh.clone();
        let refresh = json!({ "refresh_token": used });
        User::of(&world.post("/api/v1/auth/refresh", &refresh).send().await);

        world.advance(Duration::from_secs(24 * 3600 + 1));
        run(world, 10).await;
        assert_eq!(trireme_world::count(world, "idempotency_keys").await, 0, "after 24 h");
        assert_eq!(trireme_world::count(world, "rate_limits").await, 0);
        assert_eq!(trireme_world::count(world, "refresh_tokens").await, 5, "used, and known to be");
        let again = world.post("/api/v1/auth/refresh", &refresh).send().await;
        assert_eq!(again.outcome(), (401, "refresh_reused"));
        run(world, 10).await;
        assert_eq!(trireme_world::count(world, "sessions").await, 0, "ended");
        assert_eq!(trireme_world::count(world, "refresh_tokens").await, 0, "with its tokens");

        world.register("eve").await;
        world.advance(Duration::from_secs(30 * 86_400 - 1));
        run(world, 10).await;
        assert_eq!(trireme_world::count(world, "sessions").await, 1);
        world.advance(Duration::from_secs(1));
        run(world, 10).await;
        assert_eq!(trireme_world::count(world, "refresh_tokens").await, 0, "after 30 days");
        assert_eq!(trireme_world::count(world, "sessions").await, 0, "unused for 30 days");
        assert_eq!(trireme_world::count(world, "users").await, 2);
    });
}

/// A session's tokens by the thousand don't go in one statement.
#[test]
fn an_ended_session_is_removed_piece_by_piece() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let session =
            trireme_world::text(world, "-- session\nSELECT CAST(id AS text) FROM sessions").await;
        let session = Uuid::try_parse(&session).unwrap();
        let insert = |number| {
            Statement::write(
                "-- insert_token
                 INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at, used_at)
                 VALUES ($1, $2, $3, $4, $3)",
                vec![
                    format!("hash {number}").into(),
                    session.into(),
                    trireme_world::START.into(),
                    trireme_world::START.plus(Duration::from_secs(86_400)).into(),
                ],
            )
        };
        batch(world, &(0..1_500).map(insert).collect::<Vec<_>>()).await;
        let logout = json!({ "refresh_token": ada.refresh });
        assert_eq!(world.post("/api/v1/auth/logout", &logout).send().await.status, 204);
        let me = world.get("/api/v1/users/me").by(&ada).send().await;
        assert_eq!(me.outcome(), (401, "session_ended"));
        let list = world.post(
            "/api/v1/auth/login",
            &json!({ "email": "ada@example.com", "password": PASSWORD }),
        );
        let list =
            world.get("/api/v1/users/me/sessions").by(&User::of(&list.send().await)).send().await;
        assert_eq!(list.body["items"].as_array().unwrap().len(), 1, "{list:?}");

        run(world, 1).await;
        assert_eq!(trireme_world::count(world, "refresh_tokens").await, 502);
        run(world, 10).await;
        assert_eq!(trireme_world::count(world, "refresh_tokens").await, 1);
        assert_eq!(trireme_world::count(world, "sessions").await, 1);
    });
}

#[test]
fn one_instance_at_a_time_is_at_a_step() {
    on_every_database::<Tasks>(async |world| {
        attempts(world, "old", 3, trireme_world::START).await;
        let until = trireme_world::START.plus(Duration::from_secs(30));
        let other = vec![Value::from(Uuid::from_u128(1)), until.into()];
        let lease =
            "-- other\nINSERT INTO leases (name, holder, until) VALUES ('attempts', $1, $2)";
        trireme_world::execute(world, lease, other).await;
        world.advance(Duration::from_millis(29_999));
        let reports = run(world, 10).await;
        assert_eq!(
            (of(&reports, "attempts").outcome, of(&reports, "attempts").rows),
            (Outcome::Elsewhere, 0)
        );
        world.advance(Duration::from_millis(1));
        let reports = run(world, 10).await;
        assert_eq!(
            (of(&reports, "attempts").outcome, of(&reports, "attempts").rows),
            (Outcome::Done, 3)
        );
    });
}

/// Whoever's clock was years ahead is not waited for until then.
#[test]
fn a_lease_that_outlasts_any_is_nobodys() {
    on_every_database::<Tasks>(async |world| {
        attempts(world, "old", 3, trireme_world::START).await;
        let lease = |until: Duration| {
            let other =
                vec![Value::from(Uuid::from_u128(1)), trireme_world::START.plus(until).into()];
            let set =
                "-- other\nINSERT INTO leases (name, holder, until) VALUES ('attempts', $1, $2)
                       ON CONFLICT (name) DO UPDATE SET until = $2";
            trireme_world::execute(world, set, other)
        };
        lease(Duration::from_secs(120)).await;
        assert_eq!(of(&run(world, 10).await, "attempts").outcome, Outcome::Elsewhere);
        lease(Duration::from_millis(120_001)).await;
        assert_eq!(of(&run(world, 10).await, "attempts").outcome, Outcome::Done);
    });
}

/// Texts of before were put in lower case, which is no case folding.
#[test]
fn what_was_in_lower_case_is_folded_anew() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let mut texts = vec!["ΟΔΥΣΣΕΑΣ", "Straße", "plain"];
        texts.resize(60, "Εἷς");
        for text in texts {
            let body = json!({ "title": "x", "description": text });
            let task = trireme_world::create(world, &ada, "/api/v1/tasks", body).await;
            let age = "-- age
                UPDATE tasks SET folding = 0, description_folded = $2 WHERE CAST(id AS text) = $1";
            let id = task.text("/id").to_owned();
            trireme_world::execute(world, age, vec![id.into(), text.to_lowercase().into()]).await;
        }
        let found = async |q: &str| {
            let q: String = q.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let list = world.get(&format!("/api/v1/tasks?limit=100&q={q}")).by(&ada).send().await;
            let items = list.body["items"].as_array().unwrap().clone();
            assert!(items.iter().all(|item| item["version"] == 1), "nobody has changed them");
            items.len()
        };
        // Whatever was found is found.
        for (q, as_before) in
            [("οδυσσεας", 1), ("ΕΑΣ", 1), ("ΟΔΥΣ", 1), ("STRASSE", 0), ("εἷς", 57)]
        {
            assert_eq!(found(q).await, as_before, "{q}");
        }
        let reports = run(world, 1).await;
        let step = of(&reports, "tasks_to_fold");
        assert_eq!(
            (step.due, step.rows, step.outcome),
            (59, 50, Outcome::Unfinished),
            "not the one in ASCII"
        );
        let reports = run(world, 10).await;
        let step = of(&reports, "tasks_to_fold");
        assert_eq!((step.due, step.rows, step.outcome), (9, 9, Outcome::Done));
        assert_eq!(of(&run(world, 1).await, "tasks_to_fold").due, 0);
        for (q, anew) in
            [("οδυσσεας", 1), ("ΟΔΥΣ", 1), ("σσεασ", 1), ("STRASSE", 1), ("ΕἿΣ", 57), ("PLAIN", 1)]
        {
            assert_eq!(found(q).await, anew, "{q}");
        }
    });
}

/// Whatever can be read by an index is; where none fits, the database has to read or sort the
/// whole table all the same, and says so.
#[test]
fn every_statement_of_every_step_has_its_index() {
    on_every_database::<Tasks>(async |world| {
        for step in world.app.steps() {
            for statement in step.statements(&world.app, trireme_world::START) {
                let plan = plan(world, &statement).await;
                assert!(!plan.is_empty());
                for line in &plan {
                    let whole = line.contains("Seq Scan")
                        || line.contains("Sort")
                        || line.contains("TEMP B-TREE FOR ORDER BY")
                        || TABLES.iter().any(|table| {
                            line.contains(&format!("SCAN {table}")) && !line.contains(" USING ")
                        });
                    assert!(!whole, "{}\n\n{}", statement.text, plan.join("\n"));
                }
            }
        }
    });
}

const TABLES: [&str; 8] = [
    "users",
    "sessions",
    "refresh_tokens",
    "contexts",
    "tasks",
    "idempotency_keys",
    "rate_limits",
    "outbox",
];

async fn plan(world: &World, statement: &Statement<'_>) -> Vec<String> {
    let database = world.host.database();
    let (explain, column) = match database.backend() {
        Backend::Postgres => ("EXPLAIN", 0),
        Backend::Sqlite => ("EXPLAIN QUERY PLAN", 3),
    };
    let explained =
        Statement::read(format!("{explain} {}", statement.text), statement.arguments.clone());
    let mut batch = vec![explained];
    if database.backend() == Backend::Postgres {
        for setting in ["enable_seqscan", "enable_bitmapscan", "enable_sort"] {
            let off = format!("-- off\nSELECT set_config('{setting}', 'off', true)");
            batch.insert(0, Statement::read(off, vec![]));
        }
    }
    let rows = database.batch(Scope::Service, &batch).await.unwrap();
    rows.last().unwrap().iter().map(|row| row.get::<&str>(column).unwrap().to_owned()).collect()
}
