//! PostgreSQL goes away and comes back under load, and clients hang up on large answers: an edge
//! host, the one on a developer's machine too, lives on and answers.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use testbed::{Mode, Postgres, http};

use super::VARIABLES;
use super::faults::{TASKS, expect, register};
use crate::Result;
use crate::cell::{Backend, Cell, Options, Programs, Running};

/// For a cell on PostgreSQL, on a server of its own.
pub fn check(cell: Cell, programs: &Programs) -> Result<()> {
    if cell.backend != Backend::Postgres {
        return Ok(());
    }
    let mut postgres = Postgres::start()?;
    let variables = VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let options = Options { variables, ..Options::default() };
    let mut running = Running::start(cell, programs, Some(&postgres), options)?;
    let port = running.server.port();
    let token = register(port, "outage@example.com")?;

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
