//! What a slow, greedy or vanishing client gets.

use std::{
    io::Read as _,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    thread::sleep,
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};
use trireme_native::server::Limits;
use trireme_testbed::http2::Http2;

use crate::{
    client::Client,
    service::{Running, short},
};

const MOMENT: Duration = Duration::from_millis(100);

#[test]
fn a_head_that_trickles_is_cut_off() {
    let server = Running::new(short());
    // On a new connection, and on one that has been served.
    for served in [false, true] {
        let mut client = Client::new(server.address);
        if served {
            assert_eq!(client.get("/x").status, 200);
        }
        let begun = Instant::now();
        for byte in b"GET /x HTTP/1.1\r\nHost: a\r\n".chunks(1) {
            // Fails once the server has closed.
            if std::io::Write::write_all(&mut client.stream, byte).is_err() {
                break;
            }
            sleep(MOMENT);
        }
        assert!(client.is_closed());
        let took = begun.elapsed();
        assert!(
            took < Duration::from_secs(2) && took > short().head / 2,
            "served: {served}, {took:?}"
        );
    }
}

/// Idle for a while, a connection has nothing but its socket. It notices nothing of that.
#[test]
fn a_connection_that_rested_is_served_as_before() {
    let mut server = Running::new(Limits { idle: Duration::from_secs(20), ..short() });
    let rest = || sleep(Duration::from_millis(800));
    let mut client = Client::new(server.address);
    assert_eq!(client.get("/x").status, 200);
    rest();
    client.send("GET /x HTTP/1.1\r\nHo");
    sleep(MOMENT);
    client.send("st: a\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    rest();
    // Two at once, of which the first has a body.
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!([client.answer().status, client.answer().status], [200, 200]);
    rest();
    let mut other = Client::new(server.address);
    assert_eq!(other.get("/x").status, 200);
    rest();
    other.send("GET /x HTTP/9\r\n\r\n");
    let answer = other.answer();
    assert!((answer.status, answer.is_problem()) == (400, true) && other.is_closed());

    assert!(server.drain(true, Duration::from_secs(5)));
    assert!(client.is_closed());
}

#[test]
fn a_connection_that_never_asks_is_closed_sooner_than_an_idle_one() {
    let server = Running::new(short());
    let begun = Instant::now();
    assert!(Client::new(server.address).is_closed());
    assert!(begun.elapsed() < short().idle);

    let mut client = Client::new(server.address);
    assert_eq!(client.get("/x").status, 200);
    sleep(short().head * 2);
    assert_eq!(client.get("/x").status, 200);
    let begun = Instant::now();
    assert!(client.is_closed());
    let took = begun.elapsed();
    assert!(took + MOMENT > short().idle && took < short().idle * 2, "{took:?}");
}

#[test]
fn huge_heads_are_refused() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    // In the background, since the server stops reading before the end.
    let mut stream = client.stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
        let _ = std::io::Write::write_all(&mut stream, head.as_bytes());
    });
    assert_eq!(client.answer().status, 431);
    drop(client);
    writer.join().unwrap();

    let mut client = Client::new(server.address);
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "x: y\r\n".repeat(100)));
    assert_eq!(client.answer().status, 431);

    let mut client = Client::new(server.address);
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n", "y".repeat(60_000)));
    assert_eq!(client.answer().status, 200);
}

/// Connects from an address of the loopback network.
fn connect_from(last: u8, server: &Running) -> Client {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, last], 0)).into()).unwrap();
    socket.connect(&server.address.into()).unwrap();
    Client::of(socket.into())
}

/// A new connection that is served, once the server has seen which others are idle.
fn served(server: &Running) -> Client {
    let begun = Instant::now();
    loop {
        let mut client = connect_from(1, server);
        if client.get("/x").status == 200 {
            return client;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "nobody made way");
    }
}

/// Begins a request that takes a while.
fn begin(client: &mut Client) {
    client.send("GET /slow?7000 HTTP/1.1\r\nHost: a\r\n\r\n");
}

fn limits_reached() -> [Limits; 2] {
    [
        Limits { connections: 2, ..Limits::default() },
        Limits { connections_per_address: 2, ..Limits::default() },
    ]
}

#[test]
fn one_connection_too_many_is_answered_health_probes_alone() {
    for limits in limits_reached() {
        let per_address = limits.connections_per_address == 2;
        let server = Running::new(limits);
        let mut full = [connect_from(1, &server), connect_from(1, &server)];
        full.iter_mut().for_each(begin);
        eventually(|| server.house.budget.figures().used > 2000);

        let mut extra = connect_from(1, &server);
        let answer = extra.get("/x");
        assert_eq!(answer.status, 503);
        assert!(answer.body.contains("\"overloaded\"") && answer.closes(), "{answer:?}");
        assert!(answer.head.contains("\r\nretry-after: "), "{answer:?}");
        assert!(extra.is_closed());
        let mut probe = connect_from(1, &server);
        let answer = probe.get("/health/live");
        assert!(answer.status == 200 && answer.closes(), "{answer:?}");
        assert!(probe.is_closed());
        let elsewhere = connect_from(2, &server).get("/x").status;
        assert_eq!(elsewhere, if per_address { 200 } else { 503 });
        // One who says nothing does not stay.
        assert!(connect_from(1, &server).is_closed());
        for client in &mut full {
            assert_eq!(client.answer().body, "slow", "nobody else is disturbed");
        }
    }
}

#[test]
fn who_is_idle_makes_way_for_a_new_connection() {
    for limits in limits_reached() {
        let server = Running::new(limits);
        let (mut busy, mut idle) = (connect_from(1, &server), connect_from(1, &server));
        assert_eq!(idle.get("/x").status, 200);
        begin(&mut busy);
        eventually(|| server.house.budget.figures().used > 1000);
        let mut new = served(&server);
        assert!(idle.is_closed());
        assert_eq!(new.get("/x").status, 200, "it is a connection like any other");
        assert_eq!(busy.answer().body, "slow");
        assert_eq!(server.house.guests.figures().shed, 1);
        // Nor does one that has never said a word hold a place.
        let mut silent: Vec<_> = (0..20).map(|_| connect_from(1, &server)).collect();
        assert!(silent[0].is_closed());
        served(&server);
    }
}

/// A connection of HTTP/2 is idle too, when no answer of it is left to be taken.
#[test]
fn an_idle_connection_of_http2_makes_way() {
    let server = Running::new(Limits { connections: 1, ..Limits::default() });
    let mut idle = Http2::connect(server.address.port(), 1 << 20).unwrap();
    let stream = idle.open("GET", "/x", &[], false).unwrap();
    while idle.frame().is_ok_and(|frame| frame.stream != stream || frame.flags & 1 == 0) {}
    drop(served(&server));
    let told = std::iter::from_fn(|| idle.frame().ok()).any(|frame| frame.kind == 7);
    assert!(told, "it is told to go away");
    drop(idle);
    eventually(|| server.house.guests.figures().open == 0);

    let mut waiting = Http2::connect(server.address.port(), 0).unwrap();
    waiting.open("GET", "/large?100000", &[], false).unwrap();
    eventually(|| server.house.budget.figures().used > 100_000);
    assert_eq!(Client::new(server.address).get("/x").status, 503, "one with an answer is not");
}

fn eventually(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(10));
        sleep(MOMENT / 10);
    }
}

#[test]
fn an_answer_that_nobody_reads_is_given_up() {
    let server = Running::new(Limits { connections: 1, ..short() });
    let mut client = Client::new(server.address);
    client.send("GET /large?50000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    sleep(short().write * 3);
    // Its place is free again.
    assert_eq!(Client::new(server.address).get("/x").status, 200);
}

#[test]
fn an_answer_that_is_read_slowly_is_not() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    client.send("GET /large?30000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let mut read = 0;
    let mut buffer = vec![0; 2 << 20];
    let begun = Instant::now();
    loop {
        match client.stream.read(&mut buffer).unwrap() {
            0 => break,
            length => read += length,
        }
        sleep(MOMENT);
    }
    assert!(read > 30_000_000, "{read}");
    assert!(begun.elapsed() > short().write);
}

#[test]
fn a_panic_costs_one_answer() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    let answer = client.get("/panic");
    assert_eq!((answer.status, &*answer.body), (500, "panicked"));
    assert_eq!(client.get("/x").status, 200);
}

#[test]
fn a_client_may_close_its_side_and_wait() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    client.send("GET /slow?200 HTTP/1.1\r\nHost: a\r\n\r\n");
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.answer().body, "slow");
    assert!(client.is_closed());
}

#[test]
fn a_peer_is_known_by_its_own_family() {
    let server = Running::new(short());
    assert_eq!(Client::new(server.address).get("/peer").body, "127.0.0.1");
    // Dual stack, where there is IPv6.
    let server = Running::on(Ipv6Addr::UNSPECIFIED.into(), short());
    let address = (Ipv4Addr::LOCALHOST, server.address.port()).into();
    assert_eq!(Client::new(address).get("/peer").body, "127.0.0.1");
}
