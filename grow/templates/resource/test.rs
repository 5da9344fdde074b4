use @lib@::{@Product@, @plural@::@Record@};
use serde_json::json;
use trireme::record::disagreements;
use trireme_world::{Reply, User, World, create, on_every_database};

@parents@

/// With every field but references that may be absent.
pub async fn @singular@(world: &World, user: &User) -> Reply {
@made@
    let body = json!({
@members@
    });
    create(world, user, "/api/v1/@plural@", body).await
}

#[test]
fn what_is_written_is_read() {
    on_every_database::<@Product@>(async |world| {
        let ada = world.register("ada").await;
        let made = @singular@(world, &ada).await;
        let read = world.get(made.header("location")).by(&ada).send().await;
        assert_eq!(read.bytes, made.bytes);
        let found = disagreements::<@Record@>(world.database(), "@plural@").await.unwrap();
        assert!(found.is_empty(), "record and table disagree: {found:?}");
    });
}

#[test]
fn a_stranger_finds_nothing() {
    on_every_database::<@Product@>(async |world| {
        let (ada, eve) = (world.register("ada").await, world.register("eve").await);
        let made = @singular@(world, &ada).await;
        let place = made.header("location");
        for call in [world.get(place), world.patch(place, &json!({})), world.delete(place)] {
            assert_eq!(call.by(&eve).send().await.outcome(), (404, "not_found"));
        }
        assert_eq!(world.delete(place).by(&ada).send().await.status, 204);
    });
}
