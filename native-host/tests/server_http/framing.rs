//! Requests that two servers could read differently, and other oddities.

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
        ("GET http://other/x?y HTTP/1.1", 200),
        ("OPTIONS * HTTP/1.1", 200),
        ("CONNECT other:443 HTTP/1.1", 400),
        ("BREW /x HTTP/1.1", 200),
        ("GET // HTTP/1.1", 200),
        ("GET x HTTP/1.1", 400),
        ("GET /a b HTTP/1.1", 400),
        ("GET /\u{1} HTTP/1.1", 400),
        ("GET /x HTTP/3.1", 400),
        ("nonsense", 400),
    ] {
        let mut client = Client::new(server.address);
        client.send(format!("{line}\r\nHost: a\r\n\r\n"));
        assert_eq!(client.answer().status, status, "{line}");
    }
}
