//! Ending without losing a request.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use trireme_native::server::Limits;

use crate::{
    client::Client,
    service::{Running, WORKED, short},
};

#[test]
fn a_request_in_flight_ends_and_is_told_to_close() {
    let mut server = Running::new(short());
    let mut client = Client::new(server.address);
    let mut idle = Client::new(server.address);
    assert_eq!(idle.get("/x").status, 200);
    client.send("GET /slow?900 HTTP/1.1\r\nHost: a\r\n\r\n");
    thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    let drained = thread::spawn(move || server.drain(true, Duration::from_secs(5)));
    assert!(idle.is_closed());
    assert!(begun.elapsed() < Duration::from_millis(700), "the idle one goes first");
    let answer = client.answer();
    assert_eq!((answer.status, &*answer.body), (200, "slow"));
    assert!(answer.closes());
    assert!(drained.join().unwrap());
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn while_it_is_quiet_new_connections_are_served_and_then_refused() {
    let mut server = Running::new(Limits { quiet: Duration::from_millis(600), ..short() });
    let address = server.address;
    let drained = thread::spawn(move || server.drain(true, Duration::from_secs(5)));
    thread::sleep(Duration::from_millis(200));
    let mut late = Client::new(address);
    assert!(late.get("/x").closes());
    assert!(late.is_closed());
    assert!(drained.join().unwrap());
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn what_takes_longer_than_the_grace_is_dropped() {
    let mut server = Running::new(short());
    let mut client = Client::new(server.address);
    client.send("GET /slow?10000 HTTP/1.1\r\nHost: a\r\n\r\n");
    thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    assert!(!server.drain(true, Duration::from_secs(1)));
    assert!(begun.elapsed() < Duration::from_millis(1600), "{:?}", begun.elapsed());
    assert!(client.is_closed());
}

/// In one test, since what was done is counted for the process.
#[test]
fn work_after_an_answer_is_waited_for_until_the_grace_is_over() {
    let mut server = Running::new(short());
    assert_eq!(Client::new(server.address).get("/later?900").status, 202);
    assert_eq!(server.house.later.under_way(), 1);
    assert!(server.drain(false, Duration::from_secs(5)));
    assert_eq!((server.house.later.under_way(), WORKED.load(Ordering::Relaxed)), (0, 1));

    let mut server = Running::new(short());
    assert_eq!(Client::new(server.address).get("/later?10000").status, 202);
    assert!(!server.drain(false, Duration::from_secs(1)), "something was dropped");
    assert_eq!((server.house.later.under_way(), WORKED.load(Ordering::Relaxed)), (0, 1));
}

/// Connections that wait in the kernel's queue when the listener closes were accepted, as far
/// as their clients know.
#[test]
fn connections_that_were_not_accepted_yet_are_served() {
    for _ in 0..20 {
        let mut server = Running::new(short());
        let mut clients: Vec<_> = (0..50).map(|_| Client::new(server.address)).collect();
        for client in &mut clients {
            client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        assert!(server.drain(false, Duration::from_secs(5)));
        for mut client in clients {
            assert_eq!(client.answer().status, 200);
        }
    }
}

/// Clients in a loop, on kept and on new connections, until the port is closed. A request may
/// only fail on a connection that the server had already closed, and announced as idle.
#[test]
fn a_drain_under_load_loses_nothing() {
    let mut server = Running::new(short());
    let address = server.address;
    let draining = AtomicBool::new(false);
    let (answered, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for number in 0..8 {
            let (draining, answered, lost) = (&draining, &answered, &lost);
            scope.spawn(move || match hammer(address, number % 2 == 0, answered) {
                Ok(()) => assert!(draining.load(Ordering::Relaxed), "refused before the drain"),
                Err(error) => {
                    lost.fetch_add(1, Ordering::Relaxed);
                    eprintln!("lost: {error}");
                }
            });
        }
        thread::sleep(Duration::from_millis(500));
        draining.store(true, Ordering::Relaxed);
        assert!(server.drain(true, Duration::from_secs(5)));
    });
    assert_eq!(lost.load(Ordering::Relaxed), 0);
    assert!(answered.load(Ordering::Relaxed) > 100);
}

/// Asks until the port is closed; an error is a request without an answer.
fn hammer(address: SocketAddr, keep: bool, answered: &AtomicUsize) -> io::Result<()> {
    let mut kept = None;
    loop {
        let mut client = match kept.take() {
            Some(client) => client,
            None => match Client::connect(address) {
                Ok(client) => client,
                Err(_) => return Ok(()),
            },
        };
        io::Write::write_all(&mut client.stream, b"GET /slow?3 HTTP/1.1\r\nHost: a\r\n\r\n")?;
        let answer = client.try_answer()?;
        assert_eq!((answer.status, &*answer.body), (200, "slow"));
        answered.fetch_add(1, Ordering::Relaxed);
        if keep && !answer.closes() {
            kept = Some(client);
        }
    }
}
