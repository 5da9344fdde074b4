//! The suite against servers that keep no promise: it ends, fails, and does not panic.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use trireme_verify::{Options, Outcome, Report, run};

/// Runs the suite against a server that gives one answer to everything.
async fn against(answer: &str) -> Report {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = Options::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    options.budget = Duration::from_secs(3);
    options.timeout = Duration::from_secs(1);
    let serve = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 8192]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    };
    let mut noted = 0;
    let report = tokio::select! {
        () = serve => unreachable!("the server never ends"),
        report = run(options, &[], |_| noted += 1) => report,
    };
    assert_eq!(noted, report.results.len());
    report
}

fn failed(report: &Report, name: &str) -> bool {
    let named =
        |result: &trireme_verify::CheckResult| format!("{}/{}", result.group, result.name) == name;
    let result = report.results.iter().find(|result| named(result)).unwrap();
    matches!(result.outcome, Outcome::Failed(_))
}

#[tokio::test]
async fn one_that_is_not_there() {
    let options = Options::new("http://127.0.0.1:1").unwrap();
    let report = run(options, &[], |_| ()).await;
    assert_eq!(report.results.len(), 1);
    assert!(failed(&report, "server/reachable"));
}

#[tokio::test]
async fn one_that_says_yes_to_everything() {
    let report =
        against("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}").await;
    assert!(!report.passed());
    assert!(failed(&report, "cors/refused_preflight"));
    assert!(failed(&report, "account/registration"));
    assert!(failed(&report, "closing/every_response"));
}

#[tokio::test]
async fn one_that_breaks() {
    let answer =
        "HTTP/1.1 500 No\r\nConnection: close\r\nContent-Length: 16\r\n\r\nSELECT panicked!";
    let report = against(answer).await;
    let faults = report.failures().find(|(result, _)| result.name == "every_response");
    assert!(faults.unwrap().1.actual.contains("a 500 that tells its cause"));
}

#[tokio::test]
async fn one_that_always_asks_for_patience() {
    let answer =
        "HTTP/1.1 429 Wait\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    let report = against(answer).await;
    assert!(!report.passed());
    assert!(report.duration < Duration::from_secs(10), "{:?}", report.duration);
}

#[tokio::test]
async fn one_that_does_not_speak_http() {
    let report = against("SSH-2.0-OpenSSH\r\n").await;
    assert!(failed(&report, "server/reachable"));
}
