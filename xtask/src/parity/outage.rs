//! PostgreSQL goes away and comes back under load, and clients hang up on large answers: an edge
//! host, the one on a developer's machine too, lives on and answers.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use trireme_testbed::{Mode, Postgres, PostgresOptions, http};

use super::VARIABLES;
use super::faults::{TASKS, expect, register};
use crate::Result;
use crate::cell::{Backend, Cell, Options, Programs, Running};

/// For a cell on PostgreSQL, on a server of its own.
pub fn check(cell: Cell, programs: &Programs) -> Result<()> {
    if cell.backend != Backend::Postgres {
        return Ok(());
    }
    // Where clocks were at odd seconds from Greenwich before 1883.
    let settings = vec![("timezone".to_owned(), "America/New_York".to_owned())];
    let mut postgres = Postgres::with(PostgresOptions { settings, ..PostgresOptions::default() })?;
    let variables = VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let options = Options { variables, ..Options::default() };
    let mut running = Running::start(cell, programs, Some(&postgres), options)?;
    let port = running.server.port();
    let token = register(port, "outage@example.com")?;

    long_ago(port, &token)?;
    hang_up(port, &token)?;
    let stop = AtomicBool::new(false);
    let strange = thread::scope(|scope| {
        let load: Vec<_> = (0..4).map(|_| scope.spawn(|| ask(port, &token, &stop))).collect();
        let troubled = trouble(&mut postgres, port, &token);
        stop.store(true, Relaxed);
        let strange = load.into_iter().find_map(|it| it.join().expect("a client"));
        troubled.map(|()| strange)
    })?;
    if let Some(strange) = strange {
        return Err(format!("under load, with the database restarted: {strange}").into());
    }
    match running.server.has_exited()? {
        Some(status) => Err(format!("the host ended: {status}; {}", running.server.log()).into()),
        None => Ok(()),
    }
}

/// Moments are read alike, whatever the server's time zone was then.
fn long_ago(port: u16, token: &str) -> Result<()> {
    for moment in
        ["0001-01-01T00:00:00.000Z", "1850-06-01T12:34:56.789Z", "9999-12-31T23:59:59.999Z"]
    {
        let task = format!(r#"{{"title":"then","due_at":"{moment}"}}"#);
        let made = http::post(port, TASKS, token, &task)?;
        expect(made.status == 201 && made.body.contains(moment), "a moment is kept", &made)?;
    }
    let list = http::get_with(port, TASKS, token)?;
    expect(list.status == 200 && list.body.contains("1850-06"), "and listed", &list)
}

/// Clients that want the first bytes of 900 kB.
fn hang_up(port: u16, token: &str) -> Result<()> {
    let task = format!(r#"{{"title":"long","description":"{}"}}"#, "x".repeat(9_000));
    for _ in 0..100 {
        let made = http::post(port, TASKS, token, &task)?;
        expect(made.status == 201, "a long task is made", &made)?;
    }
    for _ in 0..20 {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(
            stream,
            "GET {TASKS}?limit=100 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        )?;
        // Some while the database is asked, others while the answer is on its way.
        let mut first = [0; 1];
        let _ = stream.read(&mut first);
    }
    let list = http::get_with(port, &format!("{TASKS}?limit=100"), token)?;
    expect(list.status == 200, "a list is answered after clients hung up", &list)
}

fn trouble(postgres: &mut Postgres, port: u16, token: &str) -> Result<()> {
    postgres.stop(Mode::Immediate)?;
    until(port, token, 503)?;
    postgres.start_again()?;
    until(port, token, 200)?;
    postgres.stop(Mode::Fast)?;
    postgres.start_again()?;
    until(port, token, 200)
}

fn until(port: u16, token: &str, status: u16) -> Result<()> {
    let begun = Instant::now();
    loop {
        let answer = http::get_with(port, TASKS, token)?;
        if answer.status == status {
            return Ok(());
        }
        // The contract's five seconds, and what a busy machine takes besides.
        if begun.elapsed() > Duration::from_secs(15) {
            return expect(false, &format!("a list is answered {status} by now"), &answer);
        }
        sleep(Duration::from_millis(50));
    }
}

/// Asks again and again; the first answer that no outage explains.
fn ask(port: u16, token: &str, stop: &AtomicBool) -> Option<String> {
    while !stop.load(Relaxed) {
        match http::get_with(port, TASKS, token) {
            Ok(answer) if [200, 503, 504].contains(&answer.status) => {}
            other => return Some(format!("{other:?}")),
        }
    }
    None
}
