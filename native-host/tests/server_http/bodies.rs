//! Bodies that are slow, large, or not wanted.

use std::{
    io::Write as _,
    thread::{sleep, spawn},
    time::{Duration, Instant},
};

use crate::{
    client::Client,
    service::{BODY_LIMIT, Running, short},
};

fn post(path: &str, headers: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n")
}

#[test]
fn a_slow_body_is_cut_off() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    let begun = Instant::now();
    client.send(post("/echo", "Content-Length: 1000"));
    let mut stream = client.stream.try_clone().unwrap();
    spawn(move || {
        while stream.write_all(b"x").is_ok() {
            sleep(Duration::from_millis(50));
        }
    });
    let answer = client.answer();
    assert_eq!((answer.status, &*answer.body), (408, "TimedOut"));
    assert!(answer.closes());
    assert!(begun.elapsed() < short().body * 3, "{:?}", begun.elapsed());
}

#[test]
fn an_announced_length_over_the_limit_is_refused_unread() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    let begun = Instant::now();
    client.send(post("/echo", &format!("Content-Length: {}", BODY_LIMIT + 1)));
    let answer = client.answer();
    assert_eq!((answer.status, &*answer.body), (413, "TooLarge"));
    assert!(answer.closes());
    assert!(begun.elapsed() < short().body / 2);
}

/// A client that sends all before it reads would get a reset instead of the answer, if the
/// server closed with unread bytes.
#[test]
fn an_early_answer_is_readable_by_a_client_that_is_still_sending() {
    let server = Running::new(short());
    for headers in ["Content-Length: 8000000", "Transfer-Encoding: chunked"] {
        let mut client = Client::new(server.address);
        client.send(post("/echo", headers));
        for _ in 0..1000 {
            if headers.starts_with('T') {
                client.send(format!("1f40\r\n{}\r\n", "x".repeat(8000)));
            } else {
                client.send("x".repeat(8000));
            }
        }
        // As a client does that writes slowly: the answer waits meanwhile.
        sleep(Duration::from_millis(200));
        let answer = client.answer();
        assert_eq!(answer.status, 413, "{headers}");
        assert!(answer.closes(), "{headers}");
    }
}

#[test]
fn a_small_body_that_nobody_wanted_does_not_cost_the_connection() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    client.send(post("/early", "Content-Length: 1000"));
    sleep(Duration::from_millis(50));
    client.send("x".repeat(1000));
    let answer = client.answer();
    assert_eq!((answer.status, &*answer.body), (401, "early"));
    assert!(!answer.closes());
    assert_eq!(client.get("/x").status, 200);
}

#[test]
fn a_large_body_that_nobody_wanted_does() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    client.send(post("/early", "Content-Length: 10000000"));
    client.send("x".repeat(1000));
    let answer = client.answer();
    assert_eq!((answer.status, &*answer.body), (401, "early"));
    assert!(answer.closes());
    assert!(client.is_closed());
}

#[test]
fn a_body_is_asked_for_only_when_it_is_wanted() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    client.send(post("/echo", "Content-Length: 5\r\nExpect: 100-continue"));
    assert_eq!(client.answer().status, 100);
    client.send("hello");
    assert_eq!(client.answer().body, "hello");

    for (path, length, status) in [("/early", 5, 401), ("/echo", BODY_LIMIT + 1, 413)] {
        let mut client = Client::new(server.address);
        client.send(post(path, &format!("Content-Length: {length}\r\nExpect: 100-continue")));
        let answer = client.answer();
        assert_eq!(answer.status, status);
        assert!(answer.closes());
    }
}

#[test]
fn a_body_that_breaks_off_is_no_body() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    client.send(post("/echo", "Content-Length: 1000"));
    client.send("half");
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.answer().status, 400);

    let mut client = Client::new(server.address);
    client.send(post("/echo", "Transfer-Encoding: chunked"));
    client.send("5\r\nhello\r\nnonsense\r\n");
    assert_eq!(client.answer().status, 400);
}

#[test]
fn large_bodies_arrive_whole() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    let body: String = (0..BODY_LIMIT).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
    client.send(post("/echo", &format!("Content-Length: {BODY_LIMIT}")));
    client.send(&body);
    assert!(client.answer().body == body);
}
