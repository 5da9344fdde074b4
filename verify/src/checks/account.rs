//! An account's life: registration, login, profile, deletion.

use serde_json::json;

use crate::context::{Account, Context, ME, REGISTER, Session};
use crate::outcome::{Verdict, expect};
use crate::response::Response;
use crate::shape::{is_time, is_uuid_v7};

pub async fn registration(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    signs_in(&alice.registered)?;
    alice
        .registered
        .equals("/user/email", context.email("alice"))?
        .equals("/user/name", "Alice")?;
    let body = String::from_utf8_lossy(&alice.registered.body);
    alice
        .registered
        .must(!body.contains("password") && !body.contains("$2"), "no password or hash")?;
    alice.session.expect_alive(context).await
}

/// What registration and login answer alike.
fn signs_in(answer: &Response) -> Verdict {
    answer.shaped("/user/id", "a UUIDv7", is_uuid_v7)?;
    answer.shaped("/user/created_at", "a time", is_time)?;
    answer.shaped("/user/updated_at", "a time", is_time)?;
    answer.equals("/token_type", "Bearer")?;
    let lifetime = answer.at("/expires_in")?.as_u64();
    answer.must(lifetime.is_some_and(|seconds| seconds > 0), "seconds at /expires_in")?;
    let tokens = Session::of(answer)?;
    // 256 bits are at least 43 characters of base64.
    answer.must(tokens.refresh_token.len() >= 43, "a refresh token of 256 bits")?;
    answer.must(answer.list("cache-control").contains(&"no-store".to_owned()), "no-store").map(drop)
}

/// An address is taken whatever its case and the blanks around it, and it and a password are the same
/// however a keyboard spells an accent.
pub async fn email_taken(context: &Context) -> Verdict {
    let place = context.email("accents");
    let address = |e: &str| place.replace("example.com", &format!("caf{e}.example.com"));
    let password = |e: &str| format!("th{e} noir {}", context.tag);
    let body = json!({"email": address("e\u{301}"), "password": password("e\u{301}")});
    let registered = context.try_register(&body).await?;
    registered.is(201)?.equals("/user/email", address("\u{e9}"))?;
    let again = format!(" {} ", address("\u{e9}").to_uppercase());
    let body = json!({"email": again, "password": password("x")});
    context.try_register(&body).await?.problem_with_code(409, "email_taken")?;
    context.try_login(&address("\u{e9}"), &password("\u{e9}")).await?.is(200).map(drop)
}

pub async fn login(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let email = format!("\t{} ", alice.email.to_uppercase());
    let answer = context.try_login(&email, &alice.password).await?;
    signs_in(answer.is(200)?)?;
    answer.equals("/user/id", &*alice.id)?;
    Session::of(&answer)?.expect_alive(context).await
}

pub async fn profile(context: &Context) -> Verdict {
    let bob = context.bob().await?;
    let before = context.send(bob.get(ME)).await?;
    before.is(200)?.equals("/id", &*bob.id)?.equals("/email", &*bob.email)?;
    let members = before.value()?.as_object().map(|user| user.keys().cloned().collect::<Vec<_>>());
    let known = ["created_at", "email", "id", "name", "updated_at"].map(str::to_owned).to_vec();
    before.must(members == Some(known), "id, email, name, created_at and updated_at alone")?;

    let changed = context.send(bob.patch(ME, &json!({"name": "Bób 🦑"}))).await?;
    changed
        .is(200)?
        .equals("/name", "Bób 🦑")?
        .equals("/created_at", before.text("/created_at")?)?;
    let read = context.send(bob.get(ME)).await?;
    expect(read.json == changed.json, "GET /api/v1/users/me", "what PATCH answered", read.shown())?;
    let unknown = context.send(bob.patch(ME, &json!({"admin": true}))).await?;
    unknown.invalid_at(&["/admin"]).map(drop)
}

pub async fn deletion(context: &Context) -> Verdict {
    let (email, password) = (context.email("leaver"), format!("leaving {}", context.tag));
    let leaver = context.register(email.clone(), password.clone(), None).await?;
    context.send(leaver.patch(ME, &json!({"name": "Leaver"}))).await?.is(200)?;
    let mut left = Vec::new();
    for resource in &context.resources {
        let record = resource.create(context, &leaver, &json!({})).await?;
        left.push((resource, resource.at(&record)?));
    }

    context.send(leaver.delete(ME).json(&json!({}))).await?.invalid_at(&["/password"])?;
    let wrong = context.send(leaver.delete(ME).json(&json!({"password": "not hers"}))).await?;
    wrong.is_one_of(&[401, 403, 422])?;
    leaver.session.expect_alive(context).await?;

    delete(context, &leaver).await?;
    leaver.session.expect_ended(context).await?;
    context.refresh(&leaver.session.refresh_token).await?.problem(401)?;
    context.try_login(&email, &password).await?.problem_with_code(401, "invalid_credentials")?;

    // Every trace is gone when the address is free again and nothing comes back with it.
    let again = context.register(email, password, None).await?;
    expect(again.id != leaver.id, format!("POST {REGISTER}"), "a new id", &again.id)?;
    again.registered.equals("/user/name", json!(null))?;
    for (resource, path) in left {
        let list = context.send(again.get(resource.path)).await?;
        list.must(list.column("/id")?.is_empty(), "no records")?;
        context.send(again.get(path)).await?.problem(404)?;
    }
    Ok(())
}

async fn delete(context: &Context, account: &Account) -> Verdict {
    let body = json!({"password": account.password});
    context.send(account.delete(ME).json(&body)).await?.is(204).map(drop)
}
