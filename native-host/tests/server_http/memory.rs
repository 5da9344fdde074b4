//! What clients hold of the server's memory, and for how long.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    thread::sleep,
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};
use trireme_native::server::Limits;
use trireme_testbed::http2::{Frame, Http2};

use crate::{
    client::{Answer, Client},
    service::{Running, short},
};

const MOMENT: Duration = Duration::from_millis(100);
const DATA: u8 = 0;
const RST_STREAM: u8 = 3;

/// Limits of time that no test comes near.
fn patient() -> Limits {
    let long = Duration::from_secs(60);
    Limits { head: long, body: long, idle: long, write: long, ..Limits::default() }
}

fn within(limits: Limits, memory: usize) -> Running {
    Running::within(Ipv4Addr::LOCALHOST.into(), limits, memory)
}

/// Tries until it holds.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(15), "never: {what}");
        sleep(MOMENT / 4);
    }
}

/// Reads until a frame that is sought.
fn find(client: &mut Http2, sought: impl Fn(&Frame) -> bool) -> Frame {
    loop {
        let frame = client.frame().unwrap();
        if sought(&frame) {
            return frame;
        }
    }
}

#[test]
fn a_stream_that_takes_nothing_is_reset_whatever_else_goes_on() {
    let server = Running::new(short());
    let mut client = Http2::connect(server.address.port(), 1000).unwrap();
    let unread = client.open("GET", "/large?4000000", &[], false).unwrap();
    eventually("the answer is there", || server.house.budget.figures().used > 4_000_000);
    let begun = Instant::now();
    // Neither pings nor other streams are progress of this one.
    while server.house.budget.figures().stalled == 0 {
        assert!(begun.elapsed() < short().write * 10);
        client.ping().unwrap();
        let small = client.open("GET", "/x", &[], false).unwrap();
        find(&mut client, |frame| frame.stream == small && frame.flags & 1 == 1);
        sleep(MOMENT);
    }
    assert!(begun.elapsed() > short().write / 2);
    find(&mut client, |frame| frame.kind == RST_STREAM && frame.stream == unread);
    eventually("it is given back", || server.house.budget.figures().used == 0);
    let small = client.open("GET", "/x", &[], false).unwrap();
    find(&mut client, |frame| frame.stream == small && frame.flags & 1 == 1);
}

/// Small answers are kept as little as large ones: the end of one that h2 has already taken, for a
/// window that allows all but a byte of it, as well.
#[test]
fn no_size_of_answer_and_window_escapes() {
    let server = Running::new(short());
    for (size, window) in
        [(1, 0), (2, 1), (1000, 999), (16 << 10, 1), (20_000, 16 << 10), (40_000, 39_999)]
    {
        let mut client = Http2::connect(server.address.port(), window).unwrap();
        let stream = client.open("GET", &format!("/large?{size}"), &[], false).unwrap();
        let reset = find(&mut client, |frame| {
            frame.stream == stream && (frame.kind == RST_STREAM || frame.flags & 1 == 1)
        });
        assert_eq!(reset.kind, RST_STREAM, "{size} bytes, {window} allowed");
    }
    eventually("all is given back", || server.house.budget.figures().used == 0);
}

#[test]
fn a_byte_now_and_then_is_no_progress() {
    let server = Running::new(short());
    let mut client = Http2::connect(server.address.port(), 0).unwrap();
    let stream = client.open("GET", "/large?100000", &[], false).unwrap();
    let begun = Instant::now();
    while server.house.budget.figures().stalled == 0 {
        assert!(begun.elapsed() < short().write * 10);
        client.allow(stream, 1).unwrap();
        sleep(MOMENT);
    }

    // The same over HTTP/1: a kibibyte at a time, by a client with hardly a buffer.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&server.address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(b"GET /large?50000000 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let begun = Instant::now();
    while server.house.budget.figures().stalled == 1 {
        assert!(begun.elapsed() < short().write * 20);
        let _ = stream.read(&mut [0; 1024]);
        sleep(MOMENT);
    }
    eventually("all is given back", || server.house.budget.figures().used == 0);
}

#[test]
fn a_stream_that_is_read_slowly_is_not_reset() {
    let server = Running::new(short());
    let mut client = Http2::connect(server.address.port(), 0).unwrap();
    let stream = client.open("GET", "/large?200000", &[], false).unwrap();
    let begun = Instant::now();
    let (mut read, mut allowed) = (0, 0);
    while read < 200_000 {
        if allowed == read {
            sleep(MOMENT);
            client.allow(stream, 16 << 10).unwrap();
            allowed += 16 << 10;
        }
        let frame = find(&mut client, |frame| frame.stream == stream && frame.kind != 1);
        assert_eq!(frame.kind, DATA, "{frame:?} after {:?}", begun.elapsed());
        read += frame.payload.len();
    }
    assert_eq!(read, 200_000);
    assert!(begun.elapsed() > short().write);
}

#[test]
fn answers_that_are_not_taken_use_the_budget_up_and_are_cut_off() {
    let server = within(patient(), 4_000_000);
    let refused = |client: &mut Client| {
        let answer = client.get("/large?1500000");
        let overloaded = answer.status == 503 && answer.body.contains("\"overloaded\"");
        assert!(overloaded == answer.head.contains("\r\nretry-after: 1"), "{answer:?}");
        assert!(overloaded || answer.status == 200, "{answer:?}");
        overloaded
    };
    let mut other = Client::new(server.address);
    assert!(!refused(&mut other));
    for http2 in [true, false] {
        let cut = server.house.budget.figures().cut;
        let (mut streams, mut connections) = (None, Vec::new());
        if http2 {
            let mut client = Http2::connect(server.address.port(), 0).unwrap();
            for _ in 0..3 {
                client.open("GET", "/large?1500000", &[], false).unwrap();
            }
            streams = Some(client);
        } else {
            for _ in 0..3 {
                let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                socket.set_recv_buffer_size(4096).unwrap();
                socket.connect(&server.address.into()).unwrap();
                let mut stream = TcpStream::from(socket);
                stream.write_all(b"GET /large?1500000 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
                connections.push(stream);
            }
        }
        eventually("all are there", || server.house.budget.figures().used >= 4_500_000);
        assert!(refused(&mut other), "HTTP/2: {http2}");
        assert_eq!(other.get("/health/live").status, 200);
        // The slow ones make way for those who ask.
        eventually("somebody was cut off", || !refused(&mut other));
        assert!(server.house.budget.figures().cut > cut);
        drop((streams, connections));
        eventually("all is given back", || server.house.budget.figures().used == 0);
    }
}

#[test]
fn bodies_on_their_way_use_the_budget_up() {
    let server = within(patient(), 4_000_000);
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    let slow: Vec<_> = (0..2)
        .map(|_| {
            let mut client = Client::new(server.address);
            client.send(post);
            client.send("x".repeat(900_000));
            client
        })
        .collect();
    eventually("both are there", || server.house.budget.figures().used > 3_600_000);
    let mut other = Client::new(server.address);
    let mut echo = || {
        other.send(post);
        let sent = other.stream.write_all("x".repeat(1_000_000).as_bytes());
        let answer = sent.and_then(|()| other.try_answer());
        if answer.as_ref().map_or(true, Answer::closes) {
            other = Client::new(server.address);
        }
        answer.map_or(0, |answer| answer.status)
    };
    assert_ne!(echo(), 200);
    eventually("the slow ones were cut off", || echo() == 200);
    drop(slow);
    eventually("all is given back", || server.house.budget.figures().used == 0);
}

/// HTTP/2: what a client may send before anybody asks for it.
#[test]
fn bodies_that_nobody_reads_are_not_let_in() {
    let server = Running::new(patient());
    let mut client = Http2::connect(server.address.port(), 1 << 20).unwrap();
    let stream =
        client.open("POST", "/slow?60000", &[("content-length", "10000000")], true).unwrap();
    let settings = find(&mut client, |frame| frame.kind == 4 && frame.flags & 1 == 0);
    let window = settings
        .payload
        .chunks_exact(6)
        .find(|setting| setting[..2] == [0, 4])
        .map(|setting| u32::from_be_bytes(setting[2..].try_into().unwrap()));
    assert!(window.is_some_and(|window| window <= 64 << 10), "{window:?}");
    client.data(stream, &[b'x'; 16 << 10], true).unwrap();
    assert!(server.house.budget.figures().used < 16 << 10);
}

#[test]
fn heads_on_their_way_use_the_budget_up() {
    let server = within(patient(), 1_000_000);
    let head = format!("GET /x HTTP/1.1\r\nHost: a\r\nx: {}", "y".repeat(50_000));
    let clients: Vec<_> = (0..20)
        .map(|_| {
            let mut client = Client::new(server.address);
            let _ = client.stream.write_all(head.as_bytes());
            client
        })
        .collect();
    eventually("there is no room", || server.house.budget.figures().refused > 0);
    assert!(server.house.budget.figures().used <= 1_000_000);
    assert_eq!(Client::new(server.address).get("/health/live").status, 200);
    eventually("somebody was cut off", || server.house.guests.figures().open < 20);
    drop(clients);
    eventually("all is given back", || server.house.budget.figures().used == 0);
}
