//! Requests that are refused before any handler runs, in the real process.

use std::time::Duration;

use serde_json::Value;
use trireme_testbed::Signal;

use crate::{client::Client, connect, free_port, options, server};

#[test]
fn refusals_look_like_all_answers_and_are_logged_and_counted() {
    let port = free_port();
    let mut server = server(
        options()
            .env("LOG_FORMAT", "json")
            .env("CORS_ORIGINS", "https://app.example.com")
            .env("TRUSTED_PROXIES", "127.0.0.1")
            .env("ADMIN_PORT", port.to_string()),
    );
    let told =
        "Host: localhost\r\nOrigin: https://app.example.com\r\nX-Forwarded-For: 192.0.2.7\r\n";
    let many = "y: z\r\n".repeat(100);
    let heads = [
        ("path", 400, format!("GET /<> HTTP/1.1\r\n{told}X-Request-Id: path\r\n\r\n")),
        ("version", 400, format!("GET /x HTTP/9\r\n{told}X-Request-Id: version\r\n\r\n")),
        ("many", 431, format!("GET /x HTTP/1.1\r\n{told}X-Request-Id: many\r\n{many}\r\n")),
        (
            "framing",
            400,
            format!(
                "POST /api/v1/tasks HTTP/1.1\r\n{told}X-Request-Id: framing\r\nContent-Length: 1, 1\r\n\r\nx"
            ),
        ),
    ];
    for (id, status, head) in &heads {
        let mut client = connect(&server);
        client.send(head);
        let answer = client.answer();
        assert!(answer.status == *status && answer.is_problem(), "{answer:?}");
        for header in [
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "content-security-policy: default-src 'none'; frame-ancestors 'none'",
            "access-control-allow-origin: https://app.example.com",
            "vary: origin",
            "cache-control: no-store",
            &format!("x-request-id: {id}"),
        ] {
            assert!(answer.head.contains(&format!("\r\n{header}\r\n")), "{header}: {answer:?}");
        }
        assert!(answer.body.contains(&format!(r#""request_id":"{id}""#)), "{answer:?}");
    }
    let mut stranger = connect(&server);
    stranger.send("\u{16}\u{3}\u{1}\r\n\r\n");
    let answer = stranger.answer();
    assert!(answer.status == 400 && answer.head.contains("\r\nx-request-id: "), "{answer:?}");

    let figures = Client::new(([127, 0, 0, 1], port).into()).get("/metrics").body;
    for (labels, count) in [
        (r#"method="GET",route="unmatched",status="400""#, 3),
        (r#"method="GET",route="unmatched",status="431""#, 1),
        (r#"method="POST",route="unmatched",status="400""#, 1),
    ] {
        let sample = format!("http_requests_total{{{labels}}} {count}\n");
        assert!(figures.contains(&sample), "no {sample} in {figures}");
    }

    server.signal(Signal::TERM).unwrap();
    server.wait_exit(Duration::from_secs(10)).unwrap();
    let log = server.log();
    let record = |id: &str| -> Value {
        let line = log.lines().find(|line| line.contains(&format!(r#""request_id":"{id}""#)));
        serde_json::from_str(line.unwrap_or_else(|| panic!("no {id} in {log}"))).unwrap()
    };
    for (id, status, _) in &heads {
        let record = record(id);
        assert_eq!(record["target"], "request");
        assert_eq!(record["address"], "192.0.2.7");
        assert_eq!(record["status"], *status);
        assert!(record["code"].is_string(), "{record}");
    }
    let framing = record("framing");
    assert_eq!((&framing["method"], &framing["path"]), (&"POST".into(), &"/api/v1/tasks".into()));
}
