//! Lays two transcripts side by side.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Exchange, Transcript};

/// Says in words, one line each, where two transcripts differ; empty when they agree.
pub fn diff(a: &Transcript, b: &Transcript) -> Vec<String> {
    let (of_a, of_b) = (by_check(a), by_check(b));
    let mut lines = Vec::new();
    for (check, ours) in &of_a {
        match of_b.get(check) {
            Some(theirs) => compare_check(check, ours, theirs, &mut lines),
            None => lines.push(format!("{check}: only in the first")),
        }
    }
    for check in of_b.keys().filter(|check| !of_a.contains_key(*check)) {
        lines.push(format!("{check}: only in the second"));
    }
    lines
}

fn by_check(transcript: &Transcript) -> BTreeMap<&str, Vec<&Exchange>> {
    let mut checks = BTreeMap::<&str, Vec<&Exchange>>::new();
    for exchange in &transcript.exchanges {
        checks.entry(&exchange.check).or_default().push(exchange);
    }
    checks
}

fn compare_check(check: &str, ours: &[&Exchange], theirs: &[&Exchange], lines: &mut Vec<String>) {
    for (at, (a, b)) in ours.iter().zip(theirs).enumerate() {
        let place = format!("{check}, exchange {}, {} {}", at + 1, a.method, a.path);
        lines.extend(
            differences(a, b).into_iter().map(|difference| format!("{place}: {difference}")),
        );
    }
    if ours.len() != theirs.len() {
        lines.push(format!("{check}: {} exchanges against {}", ours.len(), theirs.len()));
    }
}

/// Where two exchanges differ.
pub(crate) fn differences(a: &Exchange, b: &Exchange) -> Vec<String> {
    let mut found = Vec::new();
    if (&a.method, &a.path) != (&b.method, &b.path) {
        found.push(format!("the second sent {} {}", b.method, b.path));
    }
    if a.status != b.status {
        found.push(format!("status {} against {}", a.status, b.status));
    }
    for name in names(&a.headers, &b.headers) {
        let (ours, theirs) = (a.headers.get(name), b.headers.get(name));
        if ours != theirs {
            found.push(format!("header {name}: {} against {}", shown(ours), shown(theirs)));
        }
    }
    compare_values("", &a.body, &b.body, &mut found);
    found
}

fn names<'a, V>(a: &'a BTreeMap<String, V>, b: &'a BTreeMap<String, V>) -> Vec<&'a str> {
    let mut names: Vec<&str> = a.keys().chain(b.keys()).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn shown(value: Option<&String>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("`{value}`"))
}

/// Descends as long as both sides have the same kind of container.
fn compare_values(pointer: &str, a: &Value, b: &Value, found: &mut Vec<String>) {
    match (a, b) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (key, value) in ours {
                let pointer = format!("{pointer}/{key}");
                match theirs.get(key) {
                    Some(other) => compare_values(&pointer, value, other, found),
                    None => found.push(format!("body {pointer}: {value} against none")),
                }
            }
            for (key, value) in theirs.iter().filter(|(key, _)| !ours.contains_key(*key)) {
                found.push(format!("body {pointer}/{key}: none against {value}"));
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (at, (value, other)) in ours.iter().zip(theirs).enumerate() {
                compare_values(&format!("{pointer}/{at}"), value, other, found);
            }
        }
        _ if a != b => {
            let place = if pointer.is_empty() { "body" } else { &format!("body {pointer}") };
            found.push(format!("{place}: {a} against {b}"));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn exchange(check: &str, status: u16, header: (&str, &str), body: Value) -> Exchange {
        Exchange {
            check: check.to_owned(),
            method: "GET".to_owned(),
            path: "/x".to_owned(),
            status,
            headers: BTreeMap::from([(header.0.to_owned(), header.1.to_owned())]),
            body,
        }
    }

    #[test]
    fn equal_transcripts_have_no_difference() {
        let one =
            Transcript { exchanges: vec![exchange("a/b", 200, ("vary", "Origin"), json!([1]))] };
        assert!(diff(&one, &one.clone()).is_empty());
    }

    #[test]
    fn says_where_transcripts_differ() {
        let a = Transcript {
            exchanges: vec![
                exchange("a/b", 200, ("vary", "Origin"), json!({"x": [1, {"y": null}], "old": 1})),
                exchange("a/c", 200, ("etag", "1"), json!(null)),
            ],
        };
        let b = Transcript {
            exchanges: vec![
                exchange("a/b", 201, ("allow", "GET"), json!({"x": [1, {"y": 2}], "new": 2})),
                exchange("a/b", 200, ("vary", "Origin"), json!(null)),
                exchange("a/d", 200, ("vary", "Origin"), json!(null)),
            ],
        };
        assert_eq!(
            diff(&a, &b),
            [
                "a/b, exchange 1, GET /x: status 200 against 201",
                "a/b, exchange 1, GET /x: header allow: none against `GET`",
                "a/b, exchange 1, GET /x: header vary: `Origin` against none",
                "a/b, exchange 1, GET /x: body /old: 1 against none",
                "a/b, exchange 1, GET /x: body /x/1/y: null against 2",
                "a/b, exchange 1, GET /x: body /new: none against 2",
                "a/b: 1 exchanges against 2",
                "a/c: only in the first",
                "a/d: only in the second",
            ]
        );
    }
}
