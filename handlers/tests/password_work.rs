//! How much work a refused sign-in costs, which is what its time tells.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use serde_json::json;
use trireme_tasks::Tasks;
use trireme_world::{PASSWORD, World, execute, hash_at_cost, with_variables};

#[derive(Clone, Default)]
struct Records(Arc<Mutex<Vec<u8>>>);

impl Write for Records {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Rounds of bcrypt that a sign-in takes, by the records of each comparison.
async fn work(world: &World, email: &str, password: &str, status: u16) -> u64 {
    let records = Records::default();
    let kept = records.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || kept.clone())
        .finish();
    let scope = tracing::subscriber::set_default(subscriber);
    let body = json!({ "email": email, "password": password });
    let reply = world.post("/api/v1/auth/login", &body).send().await;
    drop(scope);
    assert_eq!(reply.status, status, "{email}: {reply:?}");
    let text = String::from_utf8(records.0.lock().unwrap().clone()).unwrap();
    text.lines()
        .filter_map(|line| line.split_once("bcrypt: compared cost=")?.1.parse::<u32>().ok())
        .map(|cost| 1 << cost)
        .sum()
}

async fn set_hash(world: &World, name: &str, hash: Option<String>) {
    let set = "-- set_hash\nUPDATE users SET password_hash = $2 WHERE email = $1";
    execute(world, set, vec![format!("{name}@example.com").into(), hash.into()]).await;
}

/// Six accounts under `BCRYPT_COST=4`, as they are once it was lowered from 6.
async fn accounts(world: &World) {
    for name in ["costly", "cheap", "none", "broken", "disabled"] {
        world.register(name).await;
    }
    set_hash(world, "costly", Some(hash_at_cost(6))).await;
    set_hash(world, "cheap", Some(hash_at_cost(5))).await;
    set_hash(world, "none", None).await;
    set_hash(world, "broken", Some("$2b$05$too-short".to_owned())).await;
    set_hash(world, "disabled", Some(hash_at_cost(5))).await;
    trireme::admin::disable(&world.host, "disabled@example.com", true).await.unwrap();
}

async fn are_alike(world: &World, due: u64) {
    for name in ["costly", "cheap", "none", "broken", "disabled", "unknown"] {
        let email = format!("{name}@example.com");
        assert_eq!(work(world, &email, "not the password", 401).await, due, "{name}");
        let too_long = "x".repeat(73);
        assert_eq!(work(world, &email, &too_long, 401).await, due, "{name}, too long");
    }
    let right = work(world, "disabled@example.com", PASSWORD, 401).await;
    assert_eq!(right, due, "whether the password of a disabled account is right");
}

#[test]
fn who_exists_is_not_told_by_the_work_after_the_cost_was_lowered() {
    with_variables::<Tasks>(&[("BCRYPT_COST", "4")], async |world| {
        world.register("first").await;
        assert_eq!(work(world, "unknown@example.com", "not the password", 401).await, 1 << 4);
        accounts(world).await;
        are_alike(world, 1 << 6).await;
        assert_eq!(
            work(world, "cheap@example.com", PASSWORD, 200).await,
            1 << 5,
            "who is right waits no longer"
        );
        // Nobody's hash costs so much any more.
        set_hash(world, "costly", None).await;
        assert_eq!(work(world, "unknown@example.com", "not the password", 401).await, 1 << 5);
        // One that is never read counts for nothing.
        set_hash(
            world,
            "costly",
            Some("$2b$17$/uaF/uaF/uaF/uaF/uaF/uUmVcjB0e5Q0hj6jnemL6kV9q0bej6Ky".into()),
        )
        .await;
        assert_eq!(work(world, "unknown@example.com", "not the password", 401).await, 1 << 5);
        assert_eq!(work(world, "costly@example.com", PASSWORD, 401).await, 1 << 5);
    });
}

#[test]
fn nor_after_it_was_raised() {
    with_variables::<Tasks>(&[("BCRYPT_COST", "7")], async |world| {
        accounts(world).await;
        are_alike(world, 1 << 7).await;
    });
}
