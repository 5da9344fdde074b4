use std::time::Duration;

use serde_json::Value;
use trireme_testbed::Signal;

use crate::{connect, options, server};

#[test]
fn every_line_is_one_flat_record() {
    let mut server = server(
        options()
            .env("LOG_FORMAT", "json")
            .env("LOG_LEVEL", "debug")
            .env("REDIS_URL", "redis://secret"),
    );
    assert_eq!(connect(&server).get("/health").status, 200);
    server.signal(Signal::TERM).unwrap();
    server.wait_exit(Duration::from_secs(10)).unwrap();

    let log = server.log();
    let records: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for record in &records {
        let object = record.as_object().unwrap();
        let time = object["timestamp"].as_str().unwrap();
        assert!(time.len() == 24 && time.ends_with('Z') && time.as_bytes()[19] == b'.', "{time}");
        for name in ["level", "message", "target"] {
            assert!(object[name].is_string(), "{name} of {record}");
        }
        assert!(object.values().all(|value| !value.is_object()), "{record}");
    }
    let find = |message: &str| {
        let found = records.iter().find(|record| record["message"] == message);
        found.unwrap_or_else(|| panic!("no record {message:?} in:\n{log}"))
    };
    assert_eq!(find("listening")["database"], "sqlite");
    assert_eq!(find("listening")["version"], env!("CARGO_PKG_VERSION"));
    find("ready");
    find("draining");
    // The last line is not lost.
    assert_eq!(records.last().unwrap()["message"], "stopped", "{log}");
    assert!(records.iter().any(|record| record["variable"] == "REDIS_URL"), "{log}");
    assert!(!log.contains("redis://secret"));
}

#[test]
fn a_level_silences_what_is_below_it() {
    let server = server(options().env("LOG_LEVEL", "warn"));
    assert!(!server.log().contains(" INFO "), "{}", server.log());
}
