//! What a product that is not ours can do: its own paths, limits, tables, words.

use serde_json::json;
use trireme::{
    About, Access, Described, Endpoint, Limit, Per, Product, Route, Tag,
    config::Quota,
    host::Host,
    migrations::{Migrations, Version},
};
use trireme_world::{count, on_every_database, with_variables};

struct Harbour;

impl Product for Harbour {
    const NAME: &'static str = "harbour";
    const ABOUT: About = About {
        title: "Harbour",
        version: "4.2.0",
        summary: "Berths and who lies there.",
        description: "Berths are numbered.",
        tags: &[
            Tag { name: "berths", description: "Where a ship lies." },
            Tag { name: "ships", description: "Who lies there." },
        ],
        ..About::NONE
    };
    const DOCUMENT: &'static [u8] = br#"{"harbour":true}"#;
    const TABLES: &'static [&'static str] = &["lines.number", "berths"];
    const MIGRATIONS: Migrations = Migrations {
        versions: &[Version { number: 1001, name: "1001_berths" }],
        postgres: &["
            CREATE TABLE berths (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users);
            CREATE TABLE lines (
                user_id uuid NOT NULL REFERENCES users,
                berth_id uuid NOT NULL REFERENCES berths,
                number bigint NOT NULL,
                PRIMARY KEY (user_id, berth_id, number)
            );
            ALTER TABLE berths ENABLE ROW LEVEL SECURITY;
            CREATE POLICY own ON berths USING (user_id = (SELECT trireme_user_id()));
            ALTER TABLE lines ENABLE ROW LEVEL SECURITY;
            CREATE POLICY own ON lines USING (user_id = (SELECT trireme_user_id()));
            SELECT settle_trireme_role();"],
        sqlite: &["
            CREATE TABLE berths (id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users);
            CREATE TABLE lines (
                user_id TEXT NOT NULL REFERENCES users,
                berth_id TEXT NOT NULL REFERENCES berths,
                number INTEGER NOT NULL,
                PRIMARY KEY (user_id, berth_id, number)
            )"],
    };

    fn routes<H: Host>() -> Vec<Route<H>> {
        table::routes()
    }
    fn operations() -> Vec<Described> {
        table::operations()
    }
}

static LINES: Limit = Limit {
    name: "lines",
    per: Per::User,
    quota: |_| Quota { requests: 2, window: std::time::Duration::from_secs(60) },
};

mod table {
    use super::{LINES, line, lost, ship, tide};

    trireme::routes! {
        PutLine PUT "/api/v1/berths/{id}/lines/{number}" User(limit(&LINES)) line, "Set a line";
        GetShip GET "/api/v1/ships/{kind}/{name}" Public ship, "Greet a ship";
        GetLost GET "/api/v1/ships/{kind}/{name}/lost" Public lost, "Ask for what is not in the path";
        AskTide POST "/api/v1/berths/tides/{place}" Public tide, "Ask the pilots for a tide";
        GetHealthy GET "/healthy/{kind}/{name}" Public ship, "Not a probe";
        GetDocsite GET "/docsite/{kind}/{name}" Public ship, "Not a page of the core's";
    }
}

mod line {
    use trireme::{Answer, Context, Operation, StatusCode, host::Host, respond, sql::Statement};

    pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
        let (user, berth, number) = (cx.caller()?.user, cx.id()?, cx.path::<i64>("number")?);
        cx.fields().await?;
        let berth_row = Statement::write(
            "-- put_berth\nINSERT INTO berths (id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            vec![berth.into(), user.into()],
        );
        let line = Statement::write(
            "-- put_line
             INSERT INTO lines (user_id, berth_id, number) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            vec![user.into(), berth.into(), number.into()],
        );
        cx.as_caller(&[berth_row, line]).await?;
        respond::json(StatusCode::OK, &number)
    }
    pub fn describe(op: Operation) -> Operation {
        op.path::<i64>("number", "Its number.").answers::<i64>(200, "The number.")
    }
}

mod tide {
    use trireme::{Answer, Context, Operation, StatusCode, call::Call, host::Host, respond};

    pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
        let place = cx.path::<String>("place")?;
        let soon = Call::to_operators(&format!("https://pilots.example.com/{place}"));
        cx.host.fetch(soon).await.ok();
        cx.later(async move |app, host| {
            let environment = app.config.environment;
            let later = format!("https://pilots.example.com/{place}?{environment:?}");
            host.fetch(Call::to_operators(&later)).await.ok();
        });
        respond::json(StatusCode::ACCEPTED, &"soon")
    }
    pub fn describe(op: Operation) -> Operation {
        op.path::<String>("place", "Where.").answers::<String>(202, "They were asked.")
    }
}

mod ship {
    use trireme::{Answer, Context, Operation, StatusCode, host::Host, respond, text_enum};

    text_enum! {
        /// What a ship is.
        Kind { Sail = "sail", Steam = "steam" }
    }

    #[expect(clippy::unused_async, reason = "every endpoint has this form")]
    pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
        respond::json(StatusCode::OK, &(cx.path::<Kind>("kind")?, cx.path::<String>("name")?))
    }
    pub fn describe(op: Operation) -> Operation {
        op.path::<Kind>("kind", "Its kind.")
            .path::<String>("name", "Its name.")
            .answers::<(Kind, String)>(200, "Both.")
    }
}

mod lost {
    use trireme::{Answer, Context, Operation, StatusCode, host::Host, respond};

    #[expect(clippy::unused_async, reason = "every endpoint has this form")]
    pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
        respond::json(StatusCode::OK, &cx.path::<String>("nmae")?)
    }
    pub fn describe(op: Operation) -> Operation {
        op.path::<String>("kind", "Its kind.")
            .path::<String>("name", "Its name.")
            .answers::<String>(200, "The name.")
    }
}

const BERTH: &str = "/api/v1/berths/01a1f8d3-f1d0-7e35-a4b8-6c7d8e9fa0b1/lines";

#[test]
fn parts_of_a_path_are_typed() {
    on_every_database::<Harbour>(async |world| {
        let get = async |name: &str| world.get(&format!("/api/v1/ships/sail/{name}")).send().await;
        assert_eq!(get("Ark%20%C3%A9%2F1").await.body, json!(["sail", "Ark é/1"]));
        for none in ["%00", "%ff", "a%07", "%zz", "100%"] {
            assert_eq!(get(none).await.outcome(), (404, "not_found"), "{none}");
        }
        assert_eq!(world.get("/api/v1/ships/row/ark").send().await.status, 404);
        let ada = world.register("ada").await;
        let put = async |path: &str| world.put(path, &json!({})).by(&ada).send().await;
        assert_eq!(put(&format!("{BERTH}/7")).await.body, json!(7));
        assert_eq!(put(&format!("{BERTH}/07")).await.outcome(), (404, "not_found"));
        world.advance(std::time::Duration::from_secs(60));
        // Not every host could tell it from the next.
        assert_eq!(put(&format!("{BERTH}/9007199254740993")).await.outcome(), (404, "not_found"));
        assert_eq!(put("/api/v1/berths/x/lines/7").await.outcome(), (404, "not_found"));

        let wrong = world.get(&format!("{BERTH}/7")).send().await;
        assert_eq!((wrong.status, wrong.header("allow")), (405, "PUT, OPTIONS"));
        let preflight = world
            .call(http::Method::OPTIONS, BERTH)
            .header("origin", "https://app.example.com")
            .header("access-control-request-method", "PUT");
        let preflight = preflight.send().await;
        assert!(preflight.header("access-control-allow-methods").contains("PUT"));
        let query = world.get("/api/v1/ships/steam/ark?x=1").send().await;
        assert_eq!(query.faults(), [("/x", "unknown_parameter")]);
    });
}

#[test]
fn a_part_that_the_path_has_not_is_a_fault_of_the_program() {
    on_every_database::<Harbour>(async |world| {
        let lost = world.get("/api/v1/ships/sail/ark/lost").send().await;
        assert_eq!(lost.outcome(), (500, "internal"));
    });
}

/// What the core allows its probes and pages, it allows no path that begins like theirs.
#[test]
fn a_path_that_looks_like_the_cores_is_none_of_its() {
    let variables = [("ALLOWED_HOSTS", "elsewhere.example.com")];
    with_variables::<Harbour>(&variables, async |world| {
        assert_eq!(world.get("/health/live").send().await.status, 200);
        assert_eq!(world.get("/healthy/sail/ark").send().await.outcome(), (400, "invalid_host"));
    });
    on_every_database::<Harbour>(async |world| {
        let policy = async |path| {
            let reply = world.get(path).send().await;
            assert_eq!(reply.status, 200, "{path}");
            reply.header("content-security-policy").to_owned()
        };
        assert!(policy("/docs").await.contains("script-src"));
        assert!(!policy("/docsite/sail/ark").await.contains("script-src"));
    });
    assert!(trireme::is_health("/health/ready") && !trireme::is_health("/healthy/sail/ark"));
}

#[test]
fn work_is_put_off_until_after_the_answer() {
    on_every_database::<Harbour>(async |world| {
        let asked = || world.host.calls().iter().map(|it| it.uri().to_string()).collect::<Vec<_>>();
        let answer = world.post("/api/v1/berths/tides/kiel", &json!({})).send().await;
        assert_eq!(
            (answer.status, asked()),
            (202, vec!["https://pilots.example.com/kiel".to_owned()])
        );
        world.host.work_off().await;
        assert_eq!(asked(), ["https://pilots.example.com/kiel?Development"]);
        world.host.work_off().await;
        assert!(asked().is_empty());
    });
}

#[test]
fn a_limit_counts_each_user() {
    on_every_database::<Harbour>(async |world| {
        let (ada, eve) = (world.register("ada").await, world.register("eve").await);
        let line = format!("{BERTH}/1");
        let put = async |user| world.put(&line, &json!({})).by(user).send().await;
        let first = put(&ada).await;
        assert_eq!((first.status, first.header("ratelimit")), (200, "\"lines\";r=1;t=60"));
        assert_eq!(first.header("ratelimit-policy"), "\"lines\";q=2;w=60");
        assert_eq!(put(&ada).await.status, 200);
        let third = put(&ada).await;
        assert_eq!((third.outcome(), third.header("retry-after")), ((429, "rate_limited"), "60"));
        assert_ne!(put(&eve).await.status, 429, "she is another user");
        world.advance(std::time::Duration::from_secs(60));
        assert_eq!(put(&ada).await.status, 200);
    });
}

#[test]
fn a_deleted_account_leaves_nothing_in_the_products_tables() {
    on_every_database::<Harbour>(async |world| {
        let ada = world.register("ada").await;
        for number in [1, 2] {
            let put = world.put(&format!("{BERTH}/{number}"), &json!({})).by(&ada);
            assert_eq!(put.send().await.status, 200);
        }
        assert_eq!(count(world, "lines").await, 2);
        let delete = json!({ "password": trireme_world::PASSWORD });
        let reply = world.delete("/api/v1/users/me").json(&delete).by(&ada).send().await;
        assert_eq!(reply.status, 204);
        for table in ["lines", "berths", "users"] {
            assert_eq!(count(world, table).await, 0, "{table}");
        }
    });
}

#[test]
fn a_table_that_is_not_named_is_found() {
    on_every_database::<Harbour>(async |world| {
        let unnamed = async |tables| trireme::admin::unnamed_tables(world.database(), tables).await;
        assert_eq!(unnamed(Harbour::TABLES).await.unwrap(), [""; 0]);
        assert_eq!(unnamed(&["berths"]).await.unwrap(), ["lines"]);
    });
}

#[test]
fn documents_are_the_products() {
    on_every_database::<Harbour>(async |world| {
        assert_eq!(world.get("/openapi.json").send().await.body, json!({ "harbour": true }));
        assert_eq!(world.get("/health").send().await.body["version"], "4.2.0");
    });
    let document = trireme::document::<Harbour>();
    assert_eq!(document["info"]["version"], "4.2.0");
    let description = document["info"]["description"].as_str().unwrap();
    assert!(description.starts_with("Berths are numbered.\n\nBodies are JSON"));
    assert!(document["info"].get("license").is_none());
    let put = &document["paths"]["/api/v1/berths/{id}/lines/{number}"]["put"];
    let parameter = |at: usize| (&put["parameters"][at]["name"], &put["parameters"][at]["schema"]);
    assert_eq!(parameter(0), (&json!("id"), &json!({ "type": "string", "format": "uuid" })));
    assert_eq!(parameter(1).1["type"], "integer");
    assert!(put["responses"]["200"]["headers"]["RateLimit"].is_object());
    assert!(put["responses"]["429"].is_object() && put["responses"]["404"].is_object());
    assert!(put["description"].as_str().unwrap().contains("counted by user"));
}

#[test]
#[should_panic(expected = "PutLine does not describe {number} of its path")]
fn a_part_of_a_path_that_is_not_described_is_found() {
    struct Silent;
    impl Product for Silent {
        const NAME: &'static str = "silent";
        const ABOUT: About = About::NONE;
        const DOCUMENT: &'static [u8] = b"{}";
        fn routes<H: Host>() -> Vec<Route<H>> {
            Vec::new()
        }
        fn operations() -> Vec<Described> {
            static LINE: Endpoint =
                Endpoint::new(&http::Method::PUT, "/api/v1/lines/{number}", Access::User);
            let describe = |op: trireme::Operation| op;
            vec![Described { endpoint: &LINE, name: "PutLine", summary: "", describe }]
        }
    }
    trireme::document::<Silent>();
}

/// One thing that only all operations together can get wrong.
struct Confused<const FAULT: u8>;

const CALLED_ALIKE: u8 = 0;
const ROUTED_ALIKE: u8 = 1;
const NO_TAG: u8 = 2;
const LIMITED_ALIKE: u8 = 3;
const TAGGED_TWICE: u8 = 4;

impl<const FAULT: u8> Product for Confused<FAULT> {
    const NAME: &'static str = "confused";
    const ABOUT: About = About {
        tags: if FAULT == TAGGED_TWICE { &[SHIPS, SHIPS] } else { &[SHIPS] },
        ..About::NONE
    };
    const DOCUMENT: &'static [u8] = b"{}";

    fn routes<H: Host>() -> Vec<Route<H>> {
        Vec::new()
    }
    fn operations() -> Vec<Described> {
        static OTHER: Limit = Limit { name: "lines", per: Per::User, quota: LINES.quota };
        static ONE: Endpoint =
            Endpoint::new(&http::Method::GET, "/api/v1/ships", Access::User).limit(&LINES);
        static TWO: Endpoint =
            Endpoint::new(&http::Method::PUT, "/api/v1/ships", Access::User).limit(&LINES);
        static LIMITED: Endpoint =
            Endpoint::new(&http::Method::PUT, "/api/v1/ships", Access::User).limit(&OTHER);
        static STRAY: Endpoint = Endpoint::new(&http::Method::GET, "/api/v1/boats", Access::User);
        let described = |name, endpoint| Described {
            endpoint,
            name,
            summary: "",
            describe: |op| op.answers_nothing(204, "Nothing."),
        };
        let second = match FAULT {
            ROUTED_ALIKE => &ONE,
            LIMITED_ALIKE => &LIMITED,
            NO_TAG => &STRAY,
            _ => &TWO,
        };
        let name = if FAULT == CALLED_ALIKE { "One" } else { "Two" };
        vec![described("One", &ONE), described(name, second)]
    }
}

const SHIPS: Tag = Tag { name: "ships", description: "Who lies there." };

#[test]
fn what_operations_get_wrong_together_is_told() {
    fn said<const FAULT: u8>() -> String {
        let panic = std::panic::catch_unwind(trireme::document::<Confused<FAULT>>).unwrap_err();
        panic.downcast_ref::<String>().unwrap().clone()
    }
    for (said, expected) in [
        (said::<CALLED_ALIKE>(), "two operations are called One"),
        (said::<ROUTED_ALIKE>(), "there are two routes GET /api/v1/ships"),
        (said::<NO_TAG>(), "Two: ABOUT has no tag boats"),
        (said::<LIMITED_ALIKE>(), "two limits are called lines"),
        (said::<TAGGED_TWICE>(), "two tags"),
    ] {
        assert!(said.contains(expected), "{said}");
    }
}
