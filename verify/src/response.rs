//! An answer, and the expectations that a check has of it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::outcome::{Verdict, expect, failed};
use crate::shape::{is_code, is_same};
use crate::transcript::{Exchange, differences};

/// An answer, read whole. The methods that return a [`Verdict`] are expectations: they end
/// the check with a failure that names the request.
#[derive(Clone, Debug)]
pub struct Response {
    /// Method and path of the request.
    pub request: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The body, where it is JSON.
    pub json: Option<Value>,
    pub elapsed: Duration,
    pub normal: Exchange,
}

impl Response {
    pub fn is(&self, status: u16) -> Verdict<&Self> {
        self.is_one_of(&[status])
    }

    pub fn is_one_of(&self, statuses: &[u16]) -> Verdict<&Self> {
        let wanted: Vec<String> = statuses.iter().map(u16::to_string).collect();
        self.must(
            statuses.contains(&self.status.as_u16()),
            format!("status {}", wanted.join(" or ")),
        )
    }

    /// A problem document of this status.
    pub fn problem(&self, status: u16) -> Verdict<&Self> {
        self.is(status)?;
        match self.problem_fault() {
            Some(fault) => {
                failed(&*self.request, "a problem document", format!("{fault}: {}", self.shown()))
            }
            None => Ok(self),
        }
    }

    /// A problem document of this status and code.
    pub fn problem_with_code(&self, status: u16, code: &str) -> Verdict<&Self> {
        self.problem(status)?.equals("/code", code)
    }

    /// A 422 that names each of these pointers.
    pub fn invalid_at(&self, pointers: &[&str]) -> Verdict<&Self> {
        self.problem(422)?;
        let missing: Vec<&str> =
            pointers.iter().copied().filter(|pointer| !self.names(pointer)).collect();
        self.must(missing.is_empty(), format!("an error at {}", missing.join(" and at ")))
    }

    /// Whether one of the errors is there.
    pub(crate) fn names(&self, pointer: &str) -> bool {
        self.errors().any(|error| error["pointer"].as_str() == Some(pointer))
    }

    /// A 422 `invalid_text`, as the problem's own code or as one fault's.
    pub fn invalid_text(&self) -> Verdict<&Self> {
        self.problem(422)?;
        let code = Some("invalid_text");
        let found = self.errors().any(|error| error["code"].as_str() == code);
        self.must(
            found || self.member("/code").and_then(Value::as_str) == code,
            "code invalid_text",
        )
    }

    /// A 401 that says how to authenticate.
    pub fn unauthorized(&self) -> Verdict<&Self> {
        let challenge = self.problem(401)?.header("www-authenticate").unwrap_or_default();
        self.must(challenge.starts_with("Bearer"), "WWW-Authenticate: Bearer")
    }

    /// A 405 that says what is allowed instead.
    pub fn not_allowed(&self, allowed: &[&str]) -> Verdict<&Self> {
        self.problem(405)?.allows(allowed)
    }

    /// `Allow` with these methods, in lower case.
    pub fn allows(&self, methods: &[&str]) -> Verdict<&Self> {
        let said = self.list("allow");
        let whole = methods.iter().all(|method| said.contains(&(*method).to_owned()));
        self.must(whole, format!("Allow with {}, not {said:?}", methods.join(", ")))
    }

    /// Nothing that a shared cache may keep.
    pub fn is_private(&self) -> Verdict<&Self> {
        let said = self.list("cache-control");
        let private = said.contains(&"no-store".to_owned()) || said.contains(&"private".to_owned());
        self.must(private, format!("no-store or private, not {said:?}"))
    }

    pub fn varies_by(&self, name: &str) -> Verdict<&Self> {
        self.must(self.list("vary").contains(&name.to_owned()), format!("Vary with {name}"))
    }

    /// The `ETag`, which is strong.
    pub fn strong_etag(&self) -> Verdict<&str> {
        let etag = self.need_header("etag")?;
        let strong = etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"');
        self.must(strong, format!("a strong ETag, not {etag}"))?;
        Ok(etag)
    }

    /// The one value of a header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn need_header(&self, name: &str) -> Verdict<&str> {
        match self.header(name) {
            Some(value) => Ok(value),
            None => failed(&*self.request, format!("a header {name}"), self.shown()),
        }
    }

    pub fn has_header(&self, name: &str, value: &str) -> Verdict<&Self> {
        let actual = self.header(name).unwrap_or("absent");
        expect(actual == value, &*self.request, format!("{name}: {value}"), actual)?;
        Ok(self)
    }

    pub fn lacks_header(&self, name: &str) -> Verdict<&Self> {
        let actual = self.header(name).unwrap_or_default();
        expect(
            !self.headers.contains_key(name),
            &*self.request,
            format!("no header {name}"),
            actual,
        )?;
        Ok(self)
    }

    /// All members of a comma-separated header, lower-cased.
    pub fn list(&self, name: &str) -> Vec<String> {
        let values = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .map(|part| part.trim().to_ascii_lowercase())
            .collect()
    }

    /// The body as JSON.
    pub fn value(&self) -> Verdict<&Value> {
        match &self.json {
            Some(json) => Ok(json),
            None => failed(&*self.request, "a JSON body", self.shown()),
        }
    }

    /// The value at a JSON pointer.
    pub fn at(&self, pointer: &str) -> Verdict<&Value> {
        match self.member(pointer) {
            Some(value) => Ok(value),
            None => failed(&*self.request, format!("a member {pointer}"), self.shown()),
        }
    }

    /// The string at a JSON pointer.
    pub fn text(&self, pointer: &str) -> Verdict<&str> {
        match self.at(pointer)?.as_str() {
            Some(text) => Ok(text),
            None => failed(&*self.request, format!("a string at {pointer}"), self.shown()),
        }
    }

    /// The string at a JSON pointer, if it has this shape.
    pub fn shaped(&self, pointer: &str, name: &str, shape: fn(&str) -> bool) -> Verdict<&Self> {
        let text = self.text(pointer)?;
        expect(shape(text), &*self.request, format!("{name} at {pointer}"), text)?;
        Ok(self)
    }

    pub fn equals(&self, pointer: &str, value: impl Into<Value>) -> Verdict<&Self> {
        let (actual, value) = (self.at(pointer)?, value.into());
        expect(is_same(actual, &value), &*self.request, format!("{pointer} is {value}"), actual)?;
        Ok(self)
    }

    /// The strings that the items of a list have at a pointer.
    pub fn column(&self, pointer: &str) -> Verdict<Vec<String>> {
        let Some(items) = self.is(200)?.at("/items")?.as_array() else {
            return failed(&*self.request, "an array `items`", self.shown());
        };
        Ok(items
            .iter()
            .filter_map(|item| item.pointer(pointer).and_then(Value::as_str).map(str::to_owned))
            .collect())
    }

    /// The same answer as another but for ids, times, tokens and other names of the moment.
    pub fn same_as(&self, other: &Self) -> Verdict<&Self> {
        let ignored = |name: &str| name.starts_with("ratelimit");
        let (mut ours, mut theirs) = (self.normal.clone(), other.normal.clone());
        ours.headers.retain(|name, _| !ignored(name));
        theirs.headers.retain(|name, _| !ignored(name));
        let found = differences(&ours, &theirs).join("; ");
        expect(
            found.is_empty(),
            &*self.request,
            format!("the answer to {}", other.request),
            found,
        )?;
        Ok(self)
    }

    /// Ends the check unless `held`; the failure shows the whole answer.
    pub fn must(&self, held: bool, expected: impl Into<String>) -> Verdict<&Self> {
        if held { Ok(self) } else { failed(&*self.request, expected, self.shown()) }
    }

    /// Status and the beginning of the body, for people. Tokens stay out of reports.
    pub fn shown(&self) -> String {
        let mut body = String::from_utf8_lossy(&self.body);
        for token in ["/access_token", "/refresh_token"].map(|pointer| self.member(pointer)) {
            if let Some(token) = token.and_then(Value::as_str).filter(|token| !token.is_empty()) {
                body = body.replace(token, "…").into();
            }
        }
        let cut: String = body.chars().take(400).collect();
        let dots = if cut.len() < body.len() { "…" } else { "" };
        format!("{} {cut}{dots}", self.status.as_u16())
    }

    /// What keeps the body from being a problem document (RFC 9457) as the contract has it.
    pub fn problem_fault(&self) -> Option<String> {
        let is = |test: fn(&Value) -> bool, pointer| self.member(pointer).is_some_and(test);
        let media = self.header("content-type").unwrap_or("absent");
        if media.split(';').next() != Some("application/problem+json") {
            return Some(format!("an error whose Content-Type is {media}"));
        }
        for member in ["/type", "/title", "/detail"] {
            if !is(Value::is_string, member) {
                return Some(format!("a problem without a string {member}"));
            }
        }
        if self.member("/status") != Some(&Value::from(self.status.as_u16())) {
            return Some("a problem whose `status` is not the response's".to_owned());
        }
        if !is(|code| code.as_str().is_some_and(is_code), "/code") {
            return Some("a problem without a snake_case `code`".to_owned());
        }
        let id = self.member("/request_id").and_then(Value::as_str);
        (id.is_none() || id != self.header("x-request-id"))
            .then(|| "a problem whose `request_id` is not X-Request-Id".to_owned())
    }

    fn member(&self, pointer: &str) -> Option<&Value> {
        self.json.as_ref()?.pointer(pointer)
    }

    fn errors(&self) -> impl Iterator<Item = &Value> {
        self.member("/errors").and_then(Value::as_array).into_iter().flatten()
    }
}
