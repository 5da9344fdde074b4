//! A database that falls silent holds nobody up: an edge host ends its own waiting, for a
//! connection and for a batch.

use std::time::Duration;

use trireme_testbed::http;
use trireme_testbed::{Database, Postgres, Proxy};

use super::VARIABLES;
use super::faults::{TASKS, expect, register, task};
use crate::Result;
use crate::cell::{Backend, Cell, Host, Options, Programs, Running};

/// Far below the request's own deadline, which would otherwise be what ends the waiting. A batch has
/// two seconds more than its statements, and the test bed's client gives up after five.
const LIMITS: [(&str, &str); 3] = [
    ("DATABASE_ACQUIRE_TIMEOUT_MS", "1000"),
    ("DATABASE_STATEMENT_TIMEOUT_MS", "1000"),
    ("REQUEST_TIMEOUT_MS", "60000"),
];

/// For a cell on PostgreSQL.
pub fn check(cell: Cell, programs: &Programs, postgres: &Postgres) -> Result<()> {
    if cell.backend != Backend::Postgres {
        return Ok(());
    }
    let database = Database::create(postgres)?;
    let wire = Proxy::before(postgres.port())?;
    let [there, here] = [postgres.port(), wire.port].map(|port| format!(":{port}/"));
    let variables = VARIABLES.iter().chain(&LIMITS);
    let running = Running::start(
        cell,
        programs,
        None,
        Options {
            database_url: Some(database.url().replace(&there, &here)),
            variables: variables.map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            direct: true,
            ..Options::default()
        },
    )?;
    let port = running.server.port();
    let token = register(port, "limits@example.com")?;

    // The session is open, and the server hears nothing of the batch.
    let on_workers = cell.host == Host::Workers;
    wire.freeze_at("enter_user");
    silence(port, &token, "GET", if on_workers { &[504] } else { &EITHER })?;
    wire.freeze_at("enter_user");
    silence(port, &token, "POST", if on_workers { &[503] } else { &EITHER })?;
    if on_workers {
        let list = http::get_with(port, TASKS, &token)?;
        expect(list.status == 200, "a new connection is served", &list)?;
    }

    // Nothing that is open can be used, and nothing opens.
    wire.delay(Duration::from_secs(60));
    wire.freeze();
    silence(port, &token, "GET", if on_workers { &[503] } else { &EITHER })
}

/// Spin's pool hands a silent connection on, and asks it for a sign of life when it does: whether
/// that or the batch is what waits is its own affair.
const EITHER: [u16; 2] = [503, 504];

fn silence(port: u16, token: &str, method: &str, statuses: &[u16]) -> Result<()> {
    let answer = match method {
        "POST" => http::post(port, TASKS, token, &task("silence")),
        _ => http::get_with(port, TASKS, token),
    };
    let answer = answer.map_err(|error| format!("{method} in silence is not answered: {error}"))?;
    let promise = format!("{method} in silence is answered one of {statuses:?}");
    expect(statuses.contains(&answer.status), &promise, &answer)
}
