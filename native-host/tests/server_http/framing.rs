//! Requests that two servers could read differently, and other oddities.

use std::io::Read as _;

use trireme_native::server::Limits;

use crate::{
    client::Client,
    service::{Running, short},
};

#[test]
fn ambiguous_framing_is_refused_and_closed() {
    let server = Running::new(short());
    for (headers, body) in [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"),
        ("Content-Length: 5\r\nContent-Length: 5", "hello"),
        ("Content-Length: 5\r\nContent-Length: 6", "hello"),
        ("Content-Length: 5, 5", "hello"),
        ("Content-Length: +5", "hello"),
        ("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
        ("Transfer-Encoding: identity", ""),
        ("Transfer-Encoding : chunked", "0\r\n\r\n"),
        ("Content-Length : 5", "hello"),
    ] {
        let mut client = Client::new(server.address);
        client.send(format!("POST /echo HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n{body}"));
        // The request that a proxy in front may never have seen.
        client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = client.answer();
        assert_eq!(answer.status, 400, "{headers}: {answer:?}");
        assert!(answer.closes(), "{headers}: {answer:?}");
        assert!(client.is_closed(), "{headers}");
    }
}

#[test]
fn a_refusal_is_a_problem_document() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    client.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    let answer = client.answer();
    assert!(answer.head.contains("\r\ncontent-type: application/problem+json"), "{answer:?}");
    assert!(answer.body.contains("\"malformed_request\""), "{answer:?}");
}

#[test]
fn a_chunked_request_is_served_and_is_the_last_of_its_connection() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, &*answer.body), (200, "hello"));
    assert!(answer.closes());
    assert!(client.is_closed());
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    client.send(
        "\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 21\r\n\r\nContent-Length: 7\r\n\r\n\
         GET /b HTTP/1.1\r\nHost: a\r\n\r\n\
         POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n",
    );
    assert_eq!(client.answer().body, "Content-Length: 7\r\n\r\n");
    assert_eq!(client.answer().body, "GET /b 1");
    assert_eq!(client.answer().body, "c");
}

#[test]
fn hosts_reach_the_service_as_they_were_sent() {
    let server = Running::new(short());
    for (headers, hosts) in [("", 0), ("Host: a\r\n", 1), ("Host: a\r\nHost: b\r\n", 2)] {
        let mut client = Client::new(server.address);
        client.send(format!("GET /x HTTP/1.1\r\n{headers}\r\n"));
        assert_eq!(client.answer().body, format!("GET /x {hosts}"));
    }
}

#[test]
fn odd_targets_are_answered() {
    let server = Running::new(short());
    for (line, status) in [
        ("GET http://a/x?y HTTP/1.1", 200),
        ("GET HTTP://A/x HTTP/1.0", 200),
        ("GET http://other/x?y HTTP/1.1", 400),
        ("GET http://a:80/x HTTP/1.1", 400),
        ("GET http://u@a/x HTTP/1.1", 400),
        ("OPTIONS * HTTP/1.1", 200),
        ("CONNECT other:443 HTTP/1.1", 400),
        ("GET x HTTP/1.1", 400),
        ("BREW /x HTTP/1.1", 200),
        ("GET // HTTP/1.1", 200),
        ("GET /x HTTP/1.0", 200),
    ] {
        let mut client = Client::new(server.address);
        client.send(format!("{line}\r\nHost: a\r\n\r\n"));
        assert_eq!(client.answer().status, status, "{line}");
    }
}

/// hyper would answer these by itself, without a word.
#[test]
fn what_cannot_be_read_is_told_in_a_problem_document() {
    let server = Running::new(short());
    let line = |line: &str| format!("{line}\r\nHost: a\r\n\r\n").into_bytes();
    let header =
        |header: &str| format!("GET /x HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n").into_bytes();
    let headers = |count| "y: z\r\n".repeat(count);
    let too_large = Limits::default().header_bytes as usize;
    for (head, status) in [
        (line("GET /a b HTTP/1.1"), 400),
        (line("GET /\u{1} HTTP/1.1"), 400),
        (line("GET /<x> HTTP/1.1"), 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 400),
        (line("GET /x HTTP/3.1"), 400),
        (line("GET /x HTTP/2.0"), 400),
        (line("GET /x http/1.1"), 400),
        (line("GET /x"), 400),
        (line("G@T /x HTTP/1.1"), 400),
        (line(" GET /x HTTP/1.1"), 400),
        (line("GET  /x HTTP/1.1"), 400),
        (line("nonsense"), 400),
        (line("\u{16}\u{3}\u{1}"), 400),
        (header("a b: c"), 400),
        (header("a"), 400),
        (header(": a"), 400),
        (header("a: b\r\n folded"), 400),
        (header("a: \u{0}"), 400),
        (header("a: b\rc"), 400),
        (header("a\u{e9}: b"), 400),
        (header("Content-Length: 18446744073709551615"), 400),
        (header(&headers(99)), 200),
        (header(&headers(100)), 431),
        (header(&format!("y: {}", "z".repeat(too_large - 100))), 200),
        (header(&format!("y: {}", "z".repeat(too_large))), 431),
        (header(&format!("y: {}", "z".repeat(4 * too_large))), 431),
        (line(&format!("GET /{} HTTP/1.1", "z".repeat(60_000))), 200),
        (line(&format!("GET /{} HTTP/1.1", "z".repeat(70_000))), 431),
    ] {
        let shown = String::from_utf8_lossy(&head[..head.len().min(60)]).into_owned();
        let mut client = Client::new(server.address);
        client.send(&head);
        let answer = client.answer();
        assert_eq!(answer.status, status, "{shown}: {answer:?}");
        if status != 200 {
            assert!(answer.is_problem() && answer.closes(), "{shown}: {answer:?}");
            assert!(client.is_closed(), "{shown}");
        }
    }
}

#[test]
fn a_refusal_has_its_turn_behind_answers() {
    let server = Running::new(short());
    let mut client = Client::new(server.address);
    client.send("GET /slow?200 HTTP/1.1\r\nHost: a\r\n\r\nGET /\u{1} HTTP/1.1\r\n\r\nGET /x HTTP/1.1\r\n\r\n");
    assert_eq!(client.answer().body, "slow");
    let refused = client.answer();
    assert!(refused.status == 400 && refused.is_problem(), "{refused:?}");
    assert!(client.is_closed());

    let mut client = Client::new(server.address);
    client.send("HEAD /\u{1} HTTP/1.1\r\n\r\n");
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut all = String::new();
    client.stream.read_to_string(&mut all).unwrap();
    assert!(all.starts_with("HTTP/1.1 400") && all.ends_with("\r\n\r\n"), "a body: {all}");
}

/// Whatever comes: an answer of the service, a problem document, or the connection's end.
#[test]
fn no_garbage_gets_a_bare_answer() {
    let server = Running::new(short());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    let odd = b"\r\n\0\t :/?#<>\"^`{|}\\\x7f\x80\xffA1";
    for round in 0..400 {
        let mut bytes = b"GET /x?y=z HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX-Y: z\r\n\r\nabc\
            GET /y HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            .to_vec();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            match random(3) {
                0 => bytes[at] = odd[random(odd.len())],
                1 => bytes.insert(at, odd[random(odd.len())]),
                _ => drop(bytes.remove(at)),
            }
        }
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let mut client = Client::new(server.address);
        let (first, second) = bytes.split_at(random(bytes.len()));
        client.send(first);
        client.send(second);
        let _ = client.stream.shutdown(std::net::Shutdown::Write);
        while let Ok(answer) = client.try_answer() {
            assert!(answer.status < 400 || answer.is_problem(), "{round}: {shown:?}: {answer:?}");
        }
    }
}
