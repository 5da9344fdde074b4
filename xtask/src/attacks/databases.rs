//! What a neighbour on the database's server can do, and a server with little room.

use std::process::Command;
use std::thread;

use trireme_testbed::{Database, Server, find_program, http};

use super::{Attack, Ground, expect};
use crate::Result;

pub const ALL: &[Attack] = &[
    Attack {
        name: "the login of another database of the server",
        bound: "no user's row",
        run: neighbour,
    },
    Attack {
        name: "40 callers where the database has 5 connections, from an empty one on",
        bound: "every account made",
        run: little_room,
    },
];

/// Whatever roles the login may become, it says whose rows it wants and asks for them.
fn neighbour(ground: &Ground) -> Result<String> {
    let target = ground.on_postgres(&[])?;
    target.register("owner@example.com")?;
    let production = target.database.as_ref().ok_or("the server has no database")?;
    let staging = Database::create(&ground.postgres)?;
    let migrated = Command::new(ground.trireme())
        .arg("migrate")
        .env_clear()
        .env("DATABASE_URL", staging.url())
        .output()?;
    expect(migrated.status.success(), || format!("{migrated:?}"))?;
    let login = format!("{}_login", staging.name());
    let role = staging.run("SELECT trireme_role()")?;
    staging.run_as_superuser(&format!(
        "CREATE ROLE {login} LOGIN PASSWORD 'secret'; GRANT trireme_user, {role} TO {login}"
    ))?;
    let url = production.url();
    let place = url.split_once('@').ok_or("the URL names no user")?.1;
    let user = production.run("SELECT id FROM users")?;
    let mut tried = 0;
    for role in ["trireme_user", &role, &login] {
        let sql = format!(
            "SET ROLE {role}; SELECT set_config('trireme.user_id', '{user}', false); SELECT email FROM users"
        );
        let output = Command::new(find_program("psql")?)
            .args(["-X", "-A", "-t", "-c", &sql, &format!("postgres://{login}:secret@{place}")])
            .output()?;
        let seen = String::from_utf8_lossy(&output.stdout).contains("owner@example.com");
        expect(!seen, || format!("as {role} it reads a user of another database"))?;
        tried += 1;
    }
    Ok(format!("{tried} roles tried, nothing read"))
}

fn little_room(ground: &Ground) -> Result<String> {
    const CALLERS: usize = 40;
    let database = Database::create(&ground.postgres)?;
    database.run(&format!("ALTER DATABASE {} CONNECTION LIMIT 5", database.name()))?;
    let variables = [("DATABASE_POOL_MIN", "10"), ("DATABASE_POOL_MAX", "100")];
    let server = Server::start(ground.options(&database.url(), &variables))?;
    let port = server.port();
    let callers: Vec<_> = (0..CALLERS)
        .map(|number| {
            thread::spawn(move || {
                let body = format!(
                    r#"{{"email":"{number}@example.com","password":"correct horse battery"}}"#
                );
                http::post(port, "/api/v1/auth/register", "", &body).map(|answer| answer.status)
            })
        })
        .collect();
    for caller in callers {
        let status = caller.join().map_err(|_| "a caller panicked")??;
        expect(status == 201, || format!("one was answered {status}"))?;
    }
    Ok(format!("{CALLERS} accounts made"))
}
