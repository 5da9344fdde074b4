//! Replaces what differs between two equal runs by what it is.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::Value;

use super::Exchange;
use crate::shape::{is_time, is_uuid};

/// Headers that belong to a connection, to a platform's edge or to the length of a body
/// whose ids and times have been replaced.
const DROPPED: &[&str] = &[
    "alt-svc",
    "cf-cache-status",
    "cf-ray",
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "nel",
    "report-to",
    "server",
    "server-timing",
    "transfer-encoding",
    "via",
];

/// Replaces ids, times, tokens and the names that one run made up.
pub(crate) struct Normaliser {
    /// The random word in every name that this run makes up.
    tag: String,
    /// Scheme, host and port of the server.
    origin: String,
}

impl Normaliser {
    pub fn new(tag: &str, origin: &str) -> Self {
        Self { tag: tag.to_owned(), origin: origin.to_owned() }
    }

    pub fn exchange(
        &self,
        check: &str,
        (method, path): (&str, &str),
        status: u16,
        headers: &HeaderMap,
        mut body: Value,
    ) -> Exchange {
        self.value(&mut body);
        if let Some(detail) = body.get_mut("detail").filter(|_| status == 429) {
            // It may say how many seconds are left.
            *detail = Value::from("<detail>");
        }
        Exchange {
            check: check.to_owned(),
            method: method.to_owned(),
            path: self.path(path),
            status,
            headers: self.headers(headers),
            body,
        }
    }

    fn path(&self, path: &str) -> String {
        let Some((path, query)) = path.split_once('?') else { return self.text(path) };
        let query: Vec<String> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some(("cursor", _)) => "cursor=<cursor>".to_owned(),
                _ => self.text(pair),
            })
            .collect();
        format!("{}?{}", self.text(path), query.join("&"))
    }

    fn headers(&self, headers: &HeaderMap) -> BTreeMap<String, String> {
        let mut normal = BTreeMap::<String, String>::new();
        for (name, value) in headers {
            let name = name.as_str();
            if DROPPED.contains(&name) {
                continue;
            }
            let value = String::from_utf8_lossy(value.as_bytes());
            let value = match name {
                "etag" => "<etag>".to_owned(),
                "x-request-id" => "<request-id>".to_owned(),
                "retry-after" => "<seconds>".to_owned(),
                "ratelimit" => replace_counts(&value),
                _ => self.text(&value),
            };
            normal
                .entry(name.to_owned())
                .and_modify(|all| {
                    all.push_str(", ");
                    all.push_str(&value);
                })
                .or_insert(value);
        }
        normal
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => {
                for (key, member) in members.iter_mut() {
                    match known_member(key) {
                        Some(name) if member.is_string() || member.is_number() => {
                            *member = Value::from(name);
                        }
                        _ => self.value(member),
                    }
                }
            }
            _ => {}
        }
    }

    /// Replaces UUIDs, times, JWTs, the run's own names and the server's own address.
    pub fn text(&self, text: &str) -> String {
        let text = text.replace(&self.tag, "<run>").replace(&self.origin, "<origin>");
        let mut normal = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            let (name, length) = variable(rest).unwrap_or(("", first.len_utf8()));
            normal.push_str(if name.is_empty() { &rest[..length] } else { name });
            rest = &rest[length..];
        }
        normal
    }
}

/// Members that are named for what they hold and differ from run to run or host to host.
fn known_member(key: &str) -> Option<&'static str> {
    Some(match key {
        "access_token" | "refresh_token" => "<token>",
        "backend" => "<backend>",
        "host" => "<host>",
        "latency_ms" => "<ms>",
        "next_cursor" => "<cursor>",
        "request_id" => "<request-id>",
        _ => return None,
    })
}

/// What the text begins with, if that is variable, and how long it is.
fn variable(text: &str) -> Option<(&'static str, usize)> {
    if text.get(..36).is_some_and(is_uuid) {
        return Some(("{id}", 36));
    }
    if text.get(..24).is_some_and(is_time) {
        return Some(("<time>", 24));
    }
    if !text.starts_with("eyJ") {
        return None;
    }
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let length = text.bytes().take_while(|byte| word(byte)).count();
    (text[..length].matches('.').count() == 2).then_some(("<jwt>", length))
}

/// `"a";r=57;t=31` becomes `"a";r=N;t=N`; names and order stay.
fn replace_counts(value: &str) -> String {
    value
        .split(';')
        .map(|part| match part.split_once('=') {
            Some((key, rest)) => {
                format!("{key}=N{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
            }
            None => part.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(";")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "019ab1f2-7c3d-7e4f-8a5b-6c7d8e9f0a1b";

    fn normaliser() -> Normaliser {
        Normaliser::new("beef", "http://127.0.0.1:8000")
    }

    #[test]
    fn replaces_ids_times_tokens_and_own_names_in_text() {
        let text = format!(
            "é verify-beef {ID}/2026-11-20T12:00:00.000Z http://127.0.0.1:8000 eyJh.eyJz.c-g_"
        );
        assert_eq!(normaliser().text(&text), "é verify-<run> {id}/<time> <origin> <jwt>");
    }

    #[test]
    fn keeps_everything_else() {
        let text = "eyJ is no token, 12:00 no time, 019ab1f2-7c3d no id";
        assert_eq!(normaliser().text(text), text);
    }

    #[test]
    fn normalises_a_whole_exchange() {
        let mut headers = HeaderMap::new();
        headers.insert("date", "today".parse().unwrap());
        headers.insert("etag", "\"7\"".parse().unwrap());
        headers.insert("ratelimit", "\"a\";r=57;t=31, \"b\";r=9;t=60".parse().unwrap());
        headers.append("vary", "Origin".parse().unwrap());
        headers.append("vary", "Accept-Encoding".parse().unwrap());
        let body =
            json!({"id": ID, "next_cursor": null, "request_id": "x", "items": [{"latency_ms": 3}]});
        let path = format!("/api/v1/tasks/{ID}?cursor=abc&q=beef");
        let exchange = normaliser().exchange("a/b", ("GET", &path), 200, &headers, body);
        assert_eq!(exchange.path, "/api/v1/tasks/{id}?cursor=<cursor>&q=<run>");
        assert_eq!(exchange.headers["etag"], "<etag>");
        assert_eq!(exchange.headers["ratelimit"], "\"a\";r=N;t=N, \"b\";r=N;t=N");
        assert_eq!(exchange.headers["vary"], "Origin, Accept-Encoding");
        assert!(!exchange.headers.contains_key("date"));
        assert_eq!(
            exchange.body,
            json!({"id": "{id}", "next_cursor": null, "request_id": "<request-id>", "items": [{"latency_ms": "<ms>"}]})
        );
    }
}
