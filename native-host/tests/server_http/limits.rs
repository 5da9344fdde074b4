//! What a slow, greedy or vanishing client gets.

use std::{
    io::Read as _,
    net::{Ipv4Addr, Ipv6Addr},
    thread::sleep,
    time::{Duration, Instant},
};

use native_host::server::Limits;

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

#[test]
fn one_connection_too_many_is_closed() {
    let server = Running::new(Limits { connections: 2, ..short() });
    let mut first = Client::new(server.address);
    let mut second = Client::new(server.address);
    assert_eq!(first.get("/x").status, 200);
    assert_eq!(second.get("/x").status, 200);
    let mut third = Client::new(server.address);
    third.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(third.try_answer().is_err());
    drop(first);
    sleep(MOMENT);
    assert_eq!(Client::new(server.address).get("/x").status, 200);
    assert_eq!(second.get("/x").status, 200);
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
