//! Letters: posted in the batch of a request, sent after it, again until they are taken or given up.

use std::{cell::RefCell, rc::Rc, time::Duration};

use serde_json::{Value, json};
use trireme::{
    About, Described, Product, Response, Route,
    host::Host,
    mail::{Kind, Template},
    maintenance::{self, Outcome},
};
use trireme_core::http::call::FetchError;
use trireme_world::{START, World, count, execute, on_every_database, text, with_variables};

/// A product that writes to whom it is told.
struct Post;

impl Product for Post {
    const NAME: &'static str = "post";
    const ABOUT: About = About { title: "Post & Co", version: "1", ..About::NONE };
    const DOCUMENT: &'static [u8] = b"{}";
    const MAIL: &'static [Template] = &[Template {
        kind: Kind::ResetPassword,
        language: "fr",
        subject: "{product} : nouveau mot de passe",
        text: "Ici :\n\n{app}/fr?token={token}",
        html: "",
    }];

    fn routes<H: Host>() -> Vec<Route<H>> {
        table::routes()
    }
    fn operations() -> Vec<Described> {
        table::operations()
    }
}

mod table {
    use super::{found, own, write};

    trireme::routes! {
        Write POST "/api/v1/letters/{address}" Public write, "Write to somebody";
        WriteFound POST "/api/v1/found/{address}" Public found, "Write to whoever has the address";
        WriteOwn POST "/api/v1/own/{id}" User own, "Write to somebody about an account";
    }
}

/// What the link holds, for an hour.
const TOKEN: [u8; 32] = [7; 32];
const SPELLED: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
const HOUR: Duration = Duration::from_secs(3600);

mod write {
    use super::{HOUR, TOKEN};
    use trireme::{
        Answer, Context, Operation,
        host::Host,
        mail::{Kind, Letter},
        respond,
    };

    pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
        let address: String = cx.path("address")?;
        let letter = Letter::new(cx, Kind::ResetPassword).link(&TOKEN, cx.now.plus(HOUR));
        cx.as_service(&[letter.to(None, &address)]).await?;
        letter.send_later();
        Ok(respond::no_content())
    }
    pub fn describe(op: Operation) -> Operation {
        op.path::<String>("address", "Whom to.").answers_nothing(204, "Written.")
    }
}

mod found {
    use trireme::{
        Answer, Context, Operation,
        host::Host,
        mail::{Kind, Letter},
        respond,
        sql::Statement,
    };

    pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
        let address: String = cx.path("address")?;
        let letter = Letter::new(cx, Kind::AccountExists);
        let query = Statement::read(
            "-- whose\nSELECT id AS user_id, email AS recipient FROM users WHERE email = $1 AND $2 = 'yes'",
            vec![address.into(), "yes".into()],
        );
        cx.as_service(&[letter.to_found(query)]).await?;
        letter.send_later();
        Ok(respond::no_content())
    }
    pub fn describe(op: Operation) -> Operation {
        op.path::<String>("address", "Whom to.").answers_nothing(204, "Written.")
    }
}

mod own {
    use trireme::{
        Answer, Context, Operation, Uuid,
        host::Host,
        mail::{Kind, Letter},
        respond,
    };

    pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Answer {
        let about: Uuid = cx.id()?;
        let letter = Letter::new(cx, Kind::PasswordChanged);
        cx.as_caller(&[letter.to(Some(about), "ada@example.com")]).await?;
        letter.send_later();
        Ok(respond::no_content())
    }
    pub fn describe(op: Operation) -> Operation {
        op.path::<Uuid>("id", "Whose account.").answers_nothing(204, "Written.")
    }
}

const RESEND: &[(&str, &str)] = &[
    ("RESEND_API_KEY", "re_K9dJ2mQx7vLr4TzYw8NbHc5G"),
    ("EMAIL_FROM", "Post <no-reply@post.example>"),
    ("APP_URL", "https://app.example.com/"),
];

/// The messages that the provider got.
#[derive(Clone, Default)]
struct Got(Rc<RefCell<Vec<(http::HeaderMap, Value)>>>);

impl Got {
    fn count(&self) -> usize {
        self.0.borrow().len()
    }
    fn all(&self) -> Vec<(http::HeaderMap, Value)> {
        self.0.borrow().clone()
    }
}

/// What the provider answers each time; 0 is nothing, and 200 what is not said.
fn provider(world: &World, answers: &'static [u16]) -> Got {
    let got = Got::default();
    let (into, mut answers) = (got.clone(), answers.iter().copied());
    world.host.answer(move |request| {
        assert_eq!(request.uri(), "https://api.resend.com/emails");
        let body = serde_json::from_slice(request.body()).unwrap();
        into.0.borrow_mut().push((request.headers().clone(), body));
        match answers.next().unwrap_or(200) {
            0 => Err(FetchError::TimedOut),
            status => Ok(Response::builder().status(status).body("{}".into()).unwrap()),
        }
    });
    got
}

async fn write(world: &World, address: &str, language: &str) {
    let post = world.post(&format!("/api/v1/letters/{address}"), &json!({}));
    let reply = post.header("accept-language", language).send().await;
    assert_eq!(reply.status, 204, "{reply:?}");
}

async fn maintain(world: &World) -> (i64, u64, Outcome) {
    let reports = maintenance::run(&world.app, &world.host, 100).await.unwrap();
    let report = reports.iter().find(|report| report.step == "letters").unwrap();
    assert!(report.cause.is_none(), "{report:?}");
    (report.due, report.rows, report.outcome)
}

#[test]
fn a_letter_is_sent_after_the_answer_and_then_forgotten() {
    with_variables::<Post>(RESEND, async |world| {
        let got = provider(world, &[]);
        write(world, "ada@example.com", "de-CH, en;q=0.9").await;
        assert_eq!((got.count(), count(world, "outbox").await), (0, 1), "posted, not sent");
        let row = "-- row\nSELECT kind || ' ' || language || ' ' || recipient || ' ' || token FROM outbox";
        let row = text(world, row).await;
        assert!(row.starts_with("reset_password de ada@example.com "), "{row}");
        assert!(!row.contains(SPELLED), "a dump opens nothing");

        world.host.work_off().await;
        assert_eq!(count(world, "outbox").await, 0);
        let (headers, body) = got.all().remove(0);
        let id = headers["idempotency-key"].to_str().unwrap();
        assert_eq!(headers["authorization"], "Bearer re_K9dJ2mQx7vLr4TzYw8NbHc5G");
        assert_eq!(body["headers"]["Message-ID"], format!("<{id}@post.example>"));
        assert_eq!(body["from"], "\"Post\" <no-reply@post.example>");
        assert_eq!(body["to"], json!(["ada@example.com"]));
        assert_eq!(body["subject"], "Post & Co: Wählen Sie ein neues Passwort");
        let link = format!("https://app.example.com/reset-password?token={SPELLED}");
        assert!(body["text"].as_str().unwrap().contains(&link));
        assert!(body["html"].as_str().unwrap().contains(&format!("<a href=\"{link}\">")));
        assert_eq!(maintain(world).await, (0, 0, Outcome::Done));
    });
}

#[test]
fn languages_and_words_may_be_the_products_own() {
    with_variables::<Post>(RESEND, async |world| {
        let got = provider(world, &[]);
        for language in ["fr-CA", "ar", "tlh"] {
            write(world, "ada@example.com", language).await;
        }
        world.host.work_off().await;
        let got = got.all();
        assert_eq!(got[0].1["subject"], "Post & Co : nouveau mot de passe");
        assert_eq!(
            got[0].1["text"],
            format!("Ici :\n\nhttps://app.example.com/fr?token={SPELLED}")
        );
        assert!(got[1].1["html"].as_str().unwrap().contains("lang=\"ar\" dir=\"rtl\""));
        assert_eq!(got[2].1["subject"], "Post & Co: choose a new password");
    });
}

#[test]
fn nobody_is_told_whether_there_is_somebody() {
    with_variables::<Post>(RESEND, async |world| {
        let got = provider(world, &[]);
        world.register("ada").await;
        for address in ["ada@example.com", "eve@example.com"] {
            let post = world.post(&format!("/api/v1/found/{address}"), &json!({}));
            assert_eq!(post.send().await.status, 204);
        }
        assert_eq!(count(world, "outbox").await, 1);
        world.host.work_off().await;
        assert_eq!(got.count(), 1);
        assert_eq!(got.all()[0].1["to"], json!(["ada@example.com"]));
    });
}

#[test]
fn a_user_has_letters_sent_about_nobody_else() {
    with_variables::<Post>(RESEND, async |world| {
        let (ada, eve) = (world.register("ada").await, world.register("eve").await);
        let post = async |about: &str| {
            world.post(&format!("/api/v1/own/{about}"), &json!({})).by(&ada).send().await.status
        };
        assert_eq!(post(&ada.id).await, 204);
        let is_postgres =
            trireme::host::Database::backend(world.database()) == trireme::host::Backend::Postgres;
        if is_postgres {
            assert_eq!(post(&eve.id).await, 500, "row-level security");
        }
        // It goes with the account.
        assert_eq!(count(world, "outbox").await, 1);
        let leave = world.call(http::Method::DELETE, "/api/v1/users/me").by(&ada);
        let leave = leave.json(&json!({ "password": trireme_world::PASSWORD })).send().await;
        assert_eq!(leave.status, 204);
        assert_eq!(count(world, "outbox").await, 0);
    });
}

#[test]
fn what_is_not_taken_is_sent_again_with_growing_pauses() {
    with_variables::<Post>(RESEND, async |world| {
        let got = provider(world, &[503, 0, 409, 200]);
        write(world, "ada@example.com", "en").await;
        world.host.work_off().await;
        for (minutes, sent) in [(1, 2), (2, 3), (4, 4)] {
            world.advance(Duration::from_secs(minutes * 60 - 1));
            assert_eq!(maintain(world).await.0, 0, "not before {minutes} min");
            world.advance(Duration::from_secs(1));
            assert_eq!(maintain(world).await.0, 1, "after {minutes} min");
            assert_eq!(got.count(), sent);
        }
        assert_eq!(count(world, "outbox").await, 0);
        let ids: Vec<_> =
            got.all().iter().map(|(headers, _)| headers["idempotency-key"].clone()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "one event, one id");
    });
}

#[test]
fn a_letter_that_is_refused_for_ever_is_given_up() {
    with_variables::<Post>(RESEND, async |world| {
        let got = provider(world, &[422]);
        write(world, "ada@example.com", "en").await;
        world.host.work_off().await;
        world.advance(HOUR);
        assert_eq!((maintain(world).await.0, got.count()), (0, 1));
        let left = "-- left\nSELECT CAST(count(*) AS text) FROM outbox WHERE token IS NULL AND due_at IS NULL";
        assert_eq!(
            text(world, left).await,
            "1",
            "kept for whoever looks into it, without its link"
        );
        world.advance(Duration::from_secs(7 * 86_400));
        maintain(world).await;
        assert_eq!(count(world, "outbox").await, 0);
    });
}

#[test]
fn nothing_is_sent_after_its_link_has_ended_or_a_day() {
    with_variables::<Post>(RESEND, async |world| {
        let got = provider(world, &[503; 100]);
        write(world, "ada@example.com", "en").await;
        let ada = world.register("ada").await;
        let post = world.post(&format!("/api/v1/own/{}", ada.id), &json!({})).by(&ada);
        assert_eq!(post.send().await.status, 204);
        world.host.work_off().await;
        for _ in 0..60 * 25 {
            world.advance(Duration::from_secs(60));
            maintain(world).await;
        }
        let sent = |kind: &str| {
            got.all()
                .iter()
                .filter(|(_, body)| body["subject"].as_str().unwrap().contains(kind))
                .count()
        };
        // At 0, 1, 3, 7, 15, 31 min; then it would be 63.
        assert_eq!(sent("choose"), 6);
        // And at 63 min, and each hour until 23:03.
        assert_eq!(sent("was changed"), 7 + 22);
        let waiting =
            "-- waiting\nSELECT CAST(count(*) AS text) FROM outbox WHERE due_at IS NOT NULL";
        assert_eq!(text(world, waiting).await, "0");
    });
}

#[test]
fn one_that_waits_holds_up_no_other_unless_the_provider_is_away() {
    with_variables::<Post>(RESEND, async |world| {
        let got = provider(world, &[409, 200, 503, 200]);
        for name in ["ada", "bob"] {
            write(world, &format!("{name}@example.com"), "en").await;
        }
        // What was to be done after the answers is not, as where the process has died.
        assert_eq!(maintain(world).await, (2, 2, Outcome::Done));
        assert_eq!(got.count(), 2, "the second although the first waits");
        for name in ["cleo", "dora"] {
            write(world, &format!("{name}@example.com"), "en").await;
        }
        assert_eq!(maintain(world).await, (2, 0, Outcome::Done));
        assert_eq!(got.count(), 3, "nobody is there");
        assert_eq!(maintain(world).await, (1, 1, Outcome::Done), "the other one is not held back");
        assert_eq!(count(world, "outbox").await, 2);
    });
}

#[test]
fn of_two_at_a_letter_one_sends_it() {
    with_variables::<Post>(RESEND, async |world| {
        let got = provider(world, &[]);
        write(world, "ada@example.com", "en").await;
        // Somebody is at it: as if its process had died there.
        let taken = "-- taken\nUPDATE outbox SET due_at = $1, attempts = 1";
        execute(world, taken, vec![START.plus(Duration::from_secs(120)).into()]).await;
        world.host.work_off().await;
        assert_eq!((maintain(world).await.0, got.count()), (0, 0));
        world.advance(Duration::from_secs(120));
        assert_eq!((maintain(world).await.0, got.count()), (1, 1));
    });
}

#[test]
fn a_key_that_is_gone_is_waited_for() {
    with_variables::<Post>(RESEND, async |world| {
        let got = provider(world, &[]);
        write(world, "ada@example.com", "en").await;
        execute(world, "-- rotate\nUPDATE outbox SET key_id = 'newer'", vec![]).await;
        world.host.work_off().await;
        assert_eq!((got.count(), count(world, "outbox").await), (0, 1));
        let waiting =
            "-- waiting\nSELECT CAST(count(*) AS text) FROM outbox WHERE due_at IS NOT NULL";
        assert_eq!(text(world, waiting).await, "1", "another instance may have it");
    });
}

#[test]
fn development_shows_letters_and_nothing_else_does() {
    on_every_database::<Post>(async |world| {
        write(world, "ada@b\u{fc}cher.example".replace('\u{fc}', "%C3%BC").as_str(), "ar").await;
        world.host.work_off().await;
        assert_eq!(maintain(world).await.0, 0, "it is done");
        let page = world.get("/dev/mail").send().await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        let page = String::from_utf8(page.bytes.to_vec()).unwrap();
        let link = format!("http://localhost:3000/reset-password?token={SPELLED}");
        for part in
            ["ada@b\u{fc}cher.example", "is done", "Post &amp; Co", &format!("href=\"{link}\"")]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
    });
    with_variables::<Post>(
        &[("ENVIRONMENT", "staging"), ("DATABASE_URL", "sqlite::memory:")],
        async |world| {
            let reply = world.get("/dev/mail").send().await;
            assert_eq!(reply.outcome(), (404, "not_found"));
            write(world, "ada@example.com", "en").await;
            world.host.work_off().await;
            assert_eq!(maintain(world).await.0, 0, "it waits for somebody who takes it");
            assert_eq!(count(world, "outbox").await, 1);
        },
    );
}
