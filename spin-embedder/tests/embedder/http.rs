//! HTTP, variables, key-value, logs.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::support::Probe;

fn exchange(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn headers_of_spin_come_after_the_clients() {
    let Some(probe) = Probe::start() else { return };
    let answer = exchange(
        probe.port(),
        "GET /headers?a=%20b HTTP/1.1\r\nHost: example.org\r\nSpin-Client-Addr: 6.6.6.6:6\r\nConnection: close\r\n\r\n",
    );
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let lines: Vec<_> = body.lines().collect();
    for expected in [
        "host: example.org",
        "spin-path-info: /headers",
        "spin-full-url: http://example.org/headers?a=%20b",
        "spin-matched-route: /...",
        "spin-raw-component-route: /...",
        "spin-component-route: ",
        "spin-base-path: /",
    ] {
        assert!(lines.contains(&expected), "{expected} in {body}");
    }
    let addresses: Vec<_> =
        lines.iter().filter_map(|it| it.strip_prefix("spin-client-addr: ")).collect();
    assert_eq!(addresses[0], "6.6.6.6:6");
    assert!(addresses[1].starts_with("127.0.0.1:"), "{body}");
    assert!(!body.contains("connection:"), "{body}");
}

#[test]
fn what_spin_answers_itself() {
    let Some(probe) = Probe::start() else { return };
    let get = |path| trireme_testbed::http::get(probe.port(), path).unwrap();
    assert_eq!(get("/.well-known/spin/health").body, "OK");
    assert_eq!(get("/.well-known/spin/info").body, r#"{"name":"probe","version":"1.2.3"}"#);
    assert_eq!(get("/.well-known/spin/other").status, 404);
    assert_eq!(get("/.well-known/spinning").status, 200, "the component's own");
    assert_eq!(exchange(probe.port(), "GET / HTTP/1.0\r\n\r\n"), "", "no Host, no answer");
    let internal = "GET / HTTP/1.1\r\nHost: x.spin.internal\r\n\r\n";
    assert_eq!(exchange(probe.port(), internal), "", "a name that is the components' own");
    // HTTP/2 begins with a frame of settings: its kind is 4.
    let mut stream = TcpStream::connect(("127.0.0.1", probe.port())).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(frame[3], 4);
}

#[test]
fn variables() {
    let Some(probe) = Probe::start() else { return };
    let answer = probe.run("variable greeting\nvariable other\nvariable Other");
    assert_eq!(answer[0], r#"Ok("hello, world")"#);
    assert!(answer[1].contains("Undefined"), "{answer:?}");
    assert!(answer[2].contains("InvalidName"), "{answer:?}");
}

#[test]
fn key_value() {
    let Some(probe) = Probe::start() else { return };
    assert_eq!(probe.run("set default b 2\nset default a 1\nget default a")[2], r#"Ok("1")"#);
    let answer = probe.run("keys default\ndelete default a\nget default a\nget other a");
    assert_eq!(answer[0], r#"Ok("a b")"#);
    assert_eq!(answer[2], r#"Ok("nothing")"#);
    assert!(answer[3].contains("AccessDenied"), "{answer:?}");
}

#[test]
fn logs_are_lines() {
    let Some(probe) = Probe::start() else { return };
    probe.run("print one\nprint two");
    let log = probe.log();
    assert_eq!(log.lines().filter(|it| *it == "one").count(), 2, "{log}");
}

#[test]
fn an_interface_that_is_not_there() {
    let Some(probe) = Probe::start() else { return };
    assert_eq!(probe.post("redis redis://127.0.0.1").status, 500);
    assert!(probe.log().contains("does not have spin:redis/redis"), "{}", probe.log());
}
