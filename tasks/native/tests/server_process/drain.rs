use std::{
    io::Write as _,
    net::TcpStream,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use trireme_testbed::{Server, Signal};

use crate::{address, client::Client, connect, options, server};

/// A request whose body does not come: in flight for as long as the test wants.
fn begin(server: &Server) -> Client {
    let mut client = connect(server);
    client.send("POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n");
    sleep(Duration::from_millis(100));
    client
}

#[test]
fn readiness_tells_that_it_is_draining() {
    let mut server = server(options());
    assert_eq!(connect(&server).get("/health/ready").status, 200);
    let mut early = begin(&server);
    server.signal(Signal::TERM).unwrap();
    sleep(Duration::from_millis(200));
    let ready = connect(&server).get("/health/ready");
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("\"draining\""), "{ready:?}");
    assert_eq!(connect(&server).get("/health/live").status, 200);
    // A request in flight still gets its answer, here that its body is not JSON.
    sleep(Duration::from_millis(1200));
    assert!(TcpStream::connect(address(&server)).is_err(), "the listener is closed by now");
    early.send("no");
    let answer = early.answer();
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.closes());
    assert!(early.is_closed());
    assert_eq!(server.wait_exit(Duration::from_secs(3)).unwrap().code(), Some(0));
}

#[test]
fn it_ends_by_the_grace_at_the_latest() {
    let mut server = server(options().env("SHUTDOWN_GRACE_SECONDS", "1"));
    let _stuck = begin(&server);
    let begun = Instant::now();
    server.signal(Signal::TERM).unwrap();
    // Not every request was answered.
    assert_eq!(server.wait_exit(Duration::from_secs(5)).unwrap().code(), Some(1));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

/// A write waits for another process, on a thread that nobody can stop.
#[test]
fn it_ends_by_the_grace_though_sqlite_hangs() {
    let mut server = server(
        options()
            .env("SHUTDOWN_GRACE_SECONDS", "1")
            .env("DATABASE_ACQUIRE_TIMEOUT_MS", "600000")
            .env("BCRYPT_COST", "4"),
    );
    let file = server.folder().join("trireme.sqlite3");
    let other = rusqlite::Connection::open(file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut client = connect(&server);
    let body = r#"{"email":"ada@example.com","password":"correct horse battery"}"#;
    client.send(format!("POST /api/v1/auth/register HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    sleep(Duration::from_millis(300));
    let begun = Instant::now();
    server.signal(Signal::TERM).unwrap();
    assert_eq!(server.wait_exit(Duration::from_secs(20)).unwrap().code(), Some(1));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(other);
}

/// Neither lines that nobody reads, nor the process's wish to write its last, hold it up.
#[test]
fn it_ends_by_the_grace_though_nobody_reads_its_output() {
    let options = options().env("LOG_LEVEL", "trace").env("SHUTDOWN_GRACE_SECONDS", "4");
    let mut server = server(options.deaf(true));
    // More than a pipe holds.
    let mut client = connect(&server);
    for _ in 0..600 {
        assert_eq!(client.get("/nowhere").status, 404);
    }
    let begun = Instant::now();
    server.signal(Signal::TERM).unwrap();
    let status = server.wait_exit(Duration::from_secs(15)).unwrap();
    assert_eq!(status.code(), Some(0), "every request was answered");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = server(options());
    let _stuck = begin(&server);
    server.signal(Signal::TERM).unwrap();
    sleep(Duration::from_millis(100));
    server.signal(Signal::INT).unwrap();
    assert_eq!(server.wait_exit(Duration::from_secs(5)).unwrap().code(), Some(1));
    assert!(server.log().contains("second signal"), "{}", server.log());
}

#[test]
fn an_interrupt_from_a_terminal_does_not_wait() {
    // The machine may be busy; the moment of quiet that SIGTERM has would always take a second.
    let quick = (0..5).any(|_| {
        let mut server = server(options());
        let begun = Instant::now();
        server.signal(Signal::INT).unwrap();
        assert_eq!(server.wait_exit(Duration::from_secs(5)).unwrap().code(), Some(0));
        begun.elapsed() < Duration::from_millis(800)
    });
    assert!(quick);
}

/// Clients in a loop, half of them on kept connections, with requests that go to the database.
/// Every request that could be sent has to be answered.
#[test]
fn a_drain_under_load_loses_nothing() {
    let mut server = server(options());
    let address = address(&server);
    let (answered, signalled) = (AtomicUsize::new(0), AtomicBool::new(false));
    let lost: Vec<_> = scope(|scope| {
        let hammers: Vec<_> = (0..8)
            .map(|number| {
                let (answered, signalled) = (&answered, &signalled);
                scope.spawn(move || {
                    let mut kept = None;
                    loop {
                        let mut client = match kept.take() {
                            Some(client) => client,
                            None => match Client::connect(address) {
                                Ok(client) => client,
                                Err(_) if signalled.load(Ordering::Relaxed) => return None,
                                Err(error) => return Some(format!("refused too early: {error}")),
                            },
                        };
                        let sent = client
                            .stream
                            .write_all(b"GET /api/v1/health HTTP/1.1\r\nHost: a\r\n\r\n");
                        match sent.and_then(|()| client.try_answer()) {
                            Ok(answer) if answer.status != 200 => {
                                return Some(format!("{answer:?}"));
                            }
                            Ok(answer) => {
                                answered.fetch_add(1, Ordering::Relaxed);
                                kept = (number % 2 == 0 && !answer.closes()).then_some(client);
                            }
                            Err(error) => return Some(error.to_string()),
                        }
                    }
                })
            })
            .collect();
        sleep(Duration::from_millis(500));
        signalled.store(true, Ordering::Relaxed);
        server.signal(Signal::TERM).unwrap();
        hammers.into_iter().filter_map(|hammer| hammer.join().unwrap()).collect()
    });
    assert!(lost.is_empty(), "{lost:?}");
    assert!(answered.load(Ordering::Relaxed) > 50);
    assert_eq!(server.wait_exit(Duration::from_secs(5)).unwrap().code(), Some(0));
}
