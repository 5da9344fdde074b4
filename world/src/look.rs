//! Statements past the product's own, to look behind the answers.

use trireme_core::{
    auth::password::NewPassword,
    host::{Database as _, Scope},
    sql::{Row as _, Statement, Value},
    validate::Field as _,
};

use crate::{PASSWORD, World};

pub async fn execute(world: &World, sql: &'static str, arguments: Vec<Value<'_>>) {
    world.host.database.batch(Scope::Service, &[Statement::write(sql, arguments)]).await.unwrap();
}

pub async fn text(world: &World, sql: &'static str) -> String {
    let rows =
        world.host.database.batch(Scope::Service, &[Statement::read(sql, vec![])]).await.unwrap();
    rows[0][0].get::<&str>(0).unwrap().to_owned()
}

pub async fn count(world: &World, table: &str) -> i64 {
    let count = Statement::read(format!("-- count\nSELECT count(*) FROM {table}"), vec![]);
    let rows = world.host.database.batch(Scope::Service, &[count]).await.unwrap();
    rows[0][0].get(0).unwrap()
}

pub fn hash_at_cost(cost: u32) -> String {
    let Ok(password) = NewPassword::read(PASSWORD.into()) else { panic!("it is a fine password") };
    password.hash(cost, [9; 16]).unwrap()
}
