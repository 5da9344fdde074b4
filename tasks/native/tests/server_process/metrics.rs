use std::collections::HashMap;

use crate::{client::Client, connect, free_port, options, server};

/// Every sample by its name and labels, after checking the form of every line.
pub fn parse(text: &str) -> HashMap<String, f64> {
    let mut samples = HashMap::new();
    let mut kinds = HashMap::new();
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {line}");
        } else if !line.starts_with("# HELP ") {
            let (key, value) = line.rsplit_once(' ').unwrap();
            let name = key.split('{').next().unwrap();
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .filter(|family| kinds.get(*family).is_some_and(|kind| kind == "histogram"));
            assert!(family.is_some() || kinds.contains_key(name), "no type for {line}");
            assert!(
                samples.insert(key.to_owned(), value.parse().unwrap()).is_none(),
                "twice: {line}"
            );
        }
    }
    samples
}

#[test]
fn everything_is_counted_on_a_listener_of_its_own() {
    let port = free_port();
    let server = server(options().env("ADMIN_PORT", port.to_string()));
    let mut client = connect(&server);
    for _ in 0..3 {
        assert_eq!(client.get("/health/live").status, 200);
    }
    client.send("BREW /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().status, 404);
    assert_eq!(client.get("/metrics").status, 404);

    let mut admin = Client::new(([127, 0, 0, 1], port).into());
    let answer = admin.get("/metrics");
    assert!(answer.head.contains("\r\ncontent-type: text/plain; version=0.0.4"), "{answer:?}");
    let samples = parse(&answer.body);
    let at = |name: &str| *samples.get(name).unwrap_or_else(|| panic!("{name} in {}", answer.body));

    assert!(at(r#"http_requests_total{method="GET",route="/health/live",status="200"}"#) >= 3.0);
    assert!(at(r#"http_requests_total{method="other",route="unmatched",status="404"}"#) >= 1.0);
    let count = at(r#"http_request_duration_seconds_count{method="GET",route="/health/live"}"#);
    let all =
        at(r#"http_request_duration_seconds_bucket{method="GET",route="/health/live",le="+Inf"}"#);
    assert!(count >= 3.0 && count.total_cmp(&all).is_eq());
    assert!(at("http_connections") >= 1.0);
    assert!(at("http_requests_in_flight") == 0.0);
    assert!(at("hash_queue_depth") == 0.0);
    assert!((at("memory_budget_bytes") - 134_217_728.0).abs() < 0.5);
    assert!(at("memory_budget_used_bytes") < 1e6);
    assert!(at("memory_budget_refused_total") == 0.0);
    assert!(at(r#"http_slow_clients_cut_total{reason="stalled"}"#) == 0.0);
    assert!(at(r#"http_slow_clients_cut_total{reason="memory"}"#) == 0.0);
    assert!(at("http_connections_shed_total") == 0.0);
    assert!(at("http_connections_crowded_total") == 0.0);
    assert!(at("database_pool_max") >= 1.0);
    assert!(at("database_acquire_wait_seconds_count") >= 1.0);
    assert!(at(r#"maintenance_failures_total{step="attempts"}"#) == 0.0);
    assert!(at(r#"database_errors_total{kind="unavailable"}"#) == 0.0);
    assert!(at("process_resident_memory_bytes") > 1e6);
    assert!(at(&format!("trireme_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))) > 0.0);

    assert_eq!(admin.get("/health/live").status, 200);
    assert_eq!(admin.get("/api/v1/health").status, 404);
    admin.send("POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(admin.answer().status, 405);
}
