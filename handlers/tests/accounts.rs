//! Signing up, in, on and out; sessions; the own account.

use std::time::Duration;

use serde_json::{Value, json};
use trireme_tasks::Tasks;
use trireme_world::{PASSWORD, Reply, User, World, on_every_database, with_variables};

async fn login(world: &World, email: &str, password: &str) -> Reply {
    world.post("/api/v1/auth/login", &json!({ "email": email, "password": password })).send().await
}

async fn refresh(world: &World, token: &str) -> Reply {
    world.post("/api/v1/auth/refresh", &json!({ "refresh_token": token })).send().await
}

async fn is_signed_in(world: &World, user: &User) -> bool {
    let reply = world.get("/api/v1/users/me").by(user).send().await;
    assert!(reply.status == 200 || reply.outcome() == (401, "session_ended"), "{reply:?}");
    reply.status == 200
}

#[test]
fn an_account_is_registered_and_read() {
    on_every_database::<Tasks>(async |world| {
        let body = json!({ "email": " Ada@Example.COM ", "password": PASSWORD, "name": "Ada" });
        let reply = world.post("/api/v1/auth/register", &body).send().await;
        assert_eq!(reply.status, 201);
        assert_eq!(reply.body["user"]["email"], "ada@example.com");
        assert_eq!(
            (&reply.body["token_type"], &reply.body["expires_in"]),
            (&json!("Bearer"), &json!(900))
        );

        let me = world.get("/api/v1/users/me").by(&User::of(&reply)).send().await;
        assert_eq!(me.body, reply.body["user"]);
        assert_eq!(me.body["created_at"], "2026-11-20T12:00:00.000Z");
        assert_eq!(me.header("cache-control"), "no-store");

        let again = world.post("/api/v1/auth/register", &body).send().await;
        assert_eq!(again.outcome(), (409, "email_taken"));
    });
}

#[test]
fn wrong_credentials_look_alike() {
    on_every_database::<Tasks>(async |world| {
        world.register("ada").await;
        let known = login(world, "ada@example.com", "not the password").await;
        let unknown = login(world, "eve@example.com", "not the password").await;
        assert_eq!(known.outcome(), (401, "invalid_credentials"));
        let without_id = |reply: &Reply| {
            let mut body = reply.body.clone();
            body["request_id"] = Value::Null;
            body
        };
        assert_eq!(without_id(&known), without_id(&unknown));
        assert_eq!(login(world, "ADA@example.com", PASSWORD).await.status, 200);
    });
}

#[test]
fn refresh_tokens_are_used_once() {
    on_every_database::<Tasks>(async |world| {
        let first = world.register("ada").await;
        let second = User::of(&refresh(world, &first.refresh).await);
        assert_ne!(first.refresh, second.refresh);

        // A lost answer: the same successor again, and no second branch.
        world.advance(Duration::from_secs(9));
        let again = User::of(&refresh(world, &first.refresh).await);
        assert_eq!(again.refresh, second.refresh);
        let third = User::of(&refresh(world, &second.refresh).await);

        // Past the grace it is theft: the whole session ends.
        world.advance(Duration::from_secs(2));
        assert!(is_signed_in(world, &third).await);
        assert_eq!(refresh(world, &first.refresh).await.outcome(), (401, "refresh_reused"));
        assert_eq!(refresh(world, &third.refresh).await.outcome(), (401, "invalid_refresh_token"));
        assert!(!is_signed_in(world, &third).await);
    });
}

#[test]
fn sessions_end_at_their_age() {
    on_every_database::<Tasks>(async |world| {
        let mut user = world.register("ada").await;
        for _ in 0..7 {
            world.advance(Duration::from_secs(25 * 86_400));
            user = User::of(&refresh(world, &user.refresh).await);
        }
        // 175 days: the next token ends with the session, five days from now.
        world.advance(Duration::from_secs(6 * 86_400));
        assert_eq!(refresh(world, &user.refresh).await.outcome(), (401, "invalid_refresh_token"));
    });
}

#[test]
fn unused_refresh_tokens_expire() {
    on_every_database::<Tasks>(async |world| {
        let user = world.register("ada").await;
        world.advance(Duration::from_secs(30 * 86_400 + 1));
        assert_eq!(refresh(world, &user.refresh).await.outcome(), (401, "invalid_refresh_token"));
        for wrong in ["", "x", &"A".repeat(43)] {
            assert!(matches!(refresh(world, wrong).await.status, 401 | 422));
        }
    });
}

#[test]
fn logging_out_ends_one_session_at_once() {
    on_every_database::<Tasks>(async |world| {
        let first = world.register("ada").await;
        let second = User::of(&login(world, "ada@example.com", PASSWORD).await);
        let reply = world
            .post("/api/v1/auth/logout", &json!({ "refresh_token": first.refresh }))
            .send()
            .await;
        assert_eq!((reply.status, reply.bytes.len()), (204, 0));
        assert!(!is_signed_in(world, &first).await);
        assert!(is_signed_in(world, &second).await);
    });
}

#[test]
fn a_new_password_ends_all_other_sessions() {
    on_every_database::<Tasks>(async |world| {
        let first = world.register("ada").await;
        let second = User::of(&login(world, "ada@example.com", PASSWORD).await);
        let change = |current: &str, new: &str| {
            let body = json!({ "current_password": current, "new_password": new });
            world.post("/api/v1/users/me/password", &body).by(&first).send()
        };
        assert_eq!(
            change("wrong password", "another fine password").await.outcome(),
            (403, "wrong_password")
        );
        assert!(is_signed_in(world, &second).await);
        assert_eq!(change(PASSWORD, "another fine password").await.status, 204);
        assert!(is_signed_in(world, &first).await);
        assert!(!is_signed_in(world, &second).await);
        assert_eq!(login(world, "ada@example.com", PASSWORD).await.status, 401);
        assert_eq!(login(world, "ada@example.com", "another fine password").await.status, 200);
    });
}

#[test]
fn sessions_are_listed_and_ended() {
    on_every_database::<Tasks>(async |world| {
        let first = world.register("ada").await;
        world.advance(Duration::from_secs(60));
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let reply = world
            .post("/api/v1/auth/login", &body)
            .header("user-agent", "Testing/1.0")
            .send()
            .await;
        let second = User::of(&reply);
        let list = world.get("/api/v1/users/me/sessions").by(&second).send().await;
        let items = list.body["items"].as_array().unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(
            (&items[0]["current"], &items[0]["user_agent"]),
            (&json!(true), &json!("Testing/1.0"))
        );
        assert_eq!((&items[1]["current"], &items[1]["user_agent"]), (&json!(false), &Value::Null));

        let stranger = world.register("eve").await;
        let path = format!("/api/v1/users/me/sessions/{}", items[1]["id"].as_str().unwrap());
        assert_eq!(world.delete(&path).by(&stranger).send().await.status, 404);
        assert_eq!(world.delete(&path).by(&second).send().await.status, 204);
        assert_eq!(world.delete(&path).by(&second).send().await.status, 404);
        assert!(!is_signed_in(world, &first).await);
    });
}

#[test]
fn the_account_is_changed_under_its_version() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let me = world.get("/api/v1/users/me").by(&ada).send().await;
        let tag = me.header("etag").to_owned();
        let change = |body: Value, tag: &str| {
            let call = world.patch("/api/v1/users/me", &body).by(&ada).header("if-match", tag);
            call.send()
        };
        let changed = change(json!({ "name": "Countess" }), &tag).await;
        assert_eq!((changed.status, &changed.body["name"]), (200, &json!("Countess")));
        assert_eq!(
            change(json!({ "name": null }), &tag).await.outcome(),
            (412, "precondition_failed")
        );
        let cleared =
            world.patch("/api/v1/users/me", &json!({ "name": null })).by(&ada).send().await;
        assert_eq!(cleared.body["name"], Value::Null);
        let email = world
            .patch("/api/v1/users/me", &json!({ "email": "x@example.com" }))
            .by(&ada)
            .send()
            .await;
        assert_eq!(email.faults(), [("/email", "unknown_field")]);
    });
}

#[test]
fn deleting_an_account_leaves_no_trace() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        world
            .post("/api/v1/tasks", &json!({ "title": "x" }))
            .by(&ada)
            .header("idempotency-key", "k")
            .send()
            .await;
        world.post("/api/v1/contexts", &json!({ "name": "x" })).by(&ada).send().await;
        let delete = |password: &str| {
            world.delete("/api/v1/users/me").json(&json!({ "password": password })).by(&ada).send()
        };
        assert_eq!(delete("wrong password").await.outcome(), (403, "wrong_password"));
        assert_eq!(delete(PASSWORD).await.status, 204);
        assert!(!is_signed_in(world, &ada).await);
        assert_eq!(login(world, "ada@example.com", PASSWORD).await.status, 401);
        assert_eq!(refresh(world, &ada.refresh).await.status, 401);
        for table in
            ["users", "sessions", "refresh_tokens", "tasks", "contexts", "idempotency_keys"]
        {
            assert_eq!(trireme_world::count(world, table).await, 0, "{table}");
        }
    });
}

#[test]
fn disabled_accounts_are_out_at_once() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        trireme::admin::disable(&world.host, "ada@example.com", true).await.unwrap();
        assert!(!is_signed_in(world, &ada).await);
        assert_eq!(
            login(world, "ada@example.com", PASSWORD).await.outcome(),
            (401, "invalid_credentials")
        );
        trireme::admin::disable(&world.host, "ada@example.com", false).await.unwrap();
        assert_eq!(login(world, "ada@example.com", PASSWORD).await.status, 200);
    });
}

#[test]
fn a_cheap_hash_is_made_anew_at_sign_in() {
    with_variables::<Tasks>(&[("BCRYPT_COST", "5")], async |world| {
        world.register("ada").await;
        trireme_world::execute(
            world,
            // Cost 4, for the password of all tests.
            "-- cheapen\nUPDATE users SET password_hash = $1",
            vec![trireme_world::hash_at_cost(4).into()],
        )
        .await;
        assert_eq!(login(world, "ada@example.com", PASSWORD).await.status, 200);
        let hash = trireme_world::text(world, "-- hash\nSELECT password_hash FROM users").await;
        assert!(hash.starts_with("$2b$05$"), "{hash}");
        assert_eq!(login(world, "ada@example.com", PASSWORD).await.status, 200);
    });
}

#[test]
fn without_authentication_there_is_one_local_user() {
    with_variables::<Tasks>(
        &[("AUTH_REQUIRED", "false"), ("ALLOWED_HOSTS", "api.example.com")],
        async |world| {
            let me = world.get("/api/v1/users/me").send().await;
            assert_eq!((me.status, &me.body["email"]), (200, &json!("local@localhost")));
            assert_eq!(
                world.post("/api/v1/tasks", &json!({ "title": "x" })).send().await.status,
                201
            );
        },
    );
}

#[test]
fn no_two_accounts_look_the_same() {
    on_every_database::<Tasks>(async |world| {
        let register = |email: &str| {
            let body = json!({ "email": email, "password": PASSWORD });
            world.post("/api/v1/auth/register", &body).send()
        };
        let first = register("Ada@Cafe\u{301}.example").await;
        assert_eq!((first.status, first.text("/user/email")), (201, "ada@caf\u{e9}.example"));
        for same in ["ada@caf\u{e9}.example", "ada@cafe\u{301}.example", "ADA@CAF\u{c9}.EXAMPLE"] {
            assert_eq!(register(same).await.outcome(), (409, "email_taken"), "{same}");
            assert_eq!(login(world, same, PASSWORD).await.status, 200, "{same}");
        }
        for hidden in [
            "\u{200b}",
            "\u{ad}",
            "\u{2060}",
            "\u{202e}",
            "\u{3164}",
            "\u{e0061}",
            "\u{fe0f}",
            "\u{378}",
            "\u{e000}",
        ] {
            for place in
                ["a_da@caf\u{e9}.example", "ada@caf_\u{e9}.example", "ada@caf\u{e9}.exa_mple"]
            {
                let reply = register(&place.replace('_', hidden)).await;
                assert_eq!(
                    (reply.outcome(), reply.faults()),
                    ((422, "invalid"), vec![("/email", "email")]),
                    "{place} {hidden:?}"
                );
            }
        }
        assert_eq!(register("ada@ｃafe.example").await.faults(), [("/email", "email")]);
    });
}

#[test]
fn accounts_of_before_can_sign_in() {
    on_every_database::<Tasks>(async |world| {
        let composed = "ada@caf\u{e9}.example";
        world
            .post("/api/v1/auth/register", &json!({ "email": composed, "password": PASSWORD }))
            .send()
            .await;
        // As they were taken once: one looks like the first, one has a letter that nobody sees.
        for (name, email) in
            [("bob", "ada@cafe\u{301}.example"), ("eve", "eve@ex\u{200b}ample.com")]
        {
            world.register(name).await;
            let rename = "-- rename\nUPDATE users SET email = $1 WHERE name = $2";
            trireme_world::execute(world, rename, vec![email.into(), name.into()]).await;
        }
        let who = async |email: &str| {
            login(world, email, PASSWORD).await.body["user"]["name"].as_str().map(str::to_owned)
        };
        assert_eq!(who("Ada@CAFE\u{301}.example").await.as_deref(), Some("bob"));
        assert_eq!(who("eve@ex\u{200b}ample.com").await.as_deref(), Some("eve"));
        assert_eq!(login(world, composed, PASSWORD).await.body["user"]["name"], Value::Null);
        assert_eq!(login(world, "eve@example.com", PASSWORD).await.status, 401);
        // An operator reaches it, too.
        trireme::admin::disable(&world.host, "eve@ex\u{200b}ample.com", true).await.unwrap();
        assert_eq!(login(world, "eve@ex\u{200b}ample.com", PASSWORD).await.status, 401);
        assert!(trireme::admin::disable(&world.host, "eve@example.com", true).await.is_err());
    });
}

#[test]
fn a_password_is_one_however_a_keyboard_spells_it() {
    const COMPOSED: &str = "caf\u{e9} au lait";
    const DECOMPOSED: &str = "cafe\u{301} au lait";
    on_every_database::<Tasks>(async |world| {
        let body = json!({ "email": "ada@example.com", "password": DECOMPOSED });
        assert_eq!(world.post("/api/v1/auth/register", &body).send().await.status, 201);
        for password in [COMPOSED, DECOMPOSED] {
            assert_eq!(login(world, "ada@example.com", password).await.status, 200);
        }
        assert_eq!(login(world, "ada@example.com", "cafe au lait").await.status, 401);

        // A hash from before: of the bytes as they were typed. It is made anew.
        let before = bcrypt::hash_with_salt(DECOMPOSED, 4, [3; 16]).unwrap().to_string();
        let age = "-- age\nUPDATE users SET password_hash = $1";
        trireme_world::execute(world, age, vec![before.into()]).await;
        assert_eq!(login(world, "ada@example.com", COMPOSED).await.status, 401);
        assert_eq!(login(world, "ada@example.com", DECOMPOSED).await.status, 200);
        let ada = User::of(&login(world, "ada@example.com", COMPOSED).await);
        let body =
            json!({ "current_password": DECOMPOSED, "new_password": "na\u{ef}ve caf\u{e9}" });
        assert_eq!(
            world.post("/api/v1/users/me/password", &body).by(&ada).send().await.status,
            204
        );
        assert_eq!(login(world, "ada@example.com", "nai\u{308}ve cafe\u{301}").await.status, 200);
        let delete = json!({ "password": "nai\u{308}ve caf\u{e9}" });
        assert_eq!(
            world.delete("/api/v1/users/me").json(&delete).by(&ada).send().await.status,
            204
        );
    });
}
