//! Values for fields: some that are taken, and those that are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::kind::{Field, Filter, Keeps, Kind, Literal};
use crate::context::{Account, Context};
use crate::outcome::Verdict;

/// In no order, with ties, capitals, letters beyond ASCII, and what markup would take amiss.
const WORDS: &[&str] =
    &["Buy \"milk\" & <eggs> 🥚", "apple", "Apple", "äpple", "banana", "banana", "Zebra", "zoo"];
/// One to three bytes in base64: each ends otherwise.
const BYTES: &[&str] = &["AA==", "AP8=", "AP+A"];
/// Days of January 2031, with a tie.
const DAYS: &[u8] = &[2, 1, 2, 3];
const UUIDS: &[&str] =
    &["01890000-0000-7000-8000-00000000000b", "01890000-0000-7000-8000-00000000000a"];
/// The range of years, what is before 1970 and before the calendar's reform, and forms.
pub const TIMES: &[&str] = &[
    "0001-01-01T00:00:00.000Z",
    "0099-12-31T23:59:59.999Z",
    "1582-10-10T00:00:00.000Z",
    "1882-12-31T12:00:00.001Z",
    "1969-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59.999Z",
];
const NO_TIMES: &[&str] = &[
    "yesterday",
    "2031-02-30T00:00:00.000Z",
    "2031-01-01",
    "2031-01-01T00:00:00",
    "99999-01-01T00:00:00Z",
    "",
    "0000-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
];
const NO_DATES: &[&str] = &["yesterday", "2031-02-30", "2031-1-1", "01/02/2031", ""];

impl From<Literal> for Value {
    fn from(literal: Literal) -> Self {
        match literal {
            Literal::Text(text) => text.into(),
            Literal::Flag(flag) => flag.into(),
            Literal::Integer(number) => number.into(),
            Literal::Number(number) => number.into(),
        }
    }
}

impl Field {
    /// The n-th of the values that are taken; they come round. Neighbours differ.
    pub(super) async fn sample(&self, cx: &Context, user: &Account, n: usize) -> Verdict<Value> {
        Ok(match self.kind {
            Kind::Text { min, max } if self.unique.is_some() => unique(cx, n, min, max).into(),
            Kind::Text { min, max } => fitted(WORDS[n % WORDS.len()], min, max).into(),
            Kind::Bytes { most } => BYTES[n % BYTES.len().min(most)].into(),
            Kind::Form { taken, .. } | Kind::Choice(taken) => taken[n % taken.len()].into(),
            Kind::Flag => (n % 2 == 1).into(),
            Kind::Integer { min, max } => [middle(min, max), min, max][n % 3].into(),
            Kind::Number { min, max } => [f64::midpoint(min, max), min, max][n % 3].into(),
            Kind::Time => format!("2031-01-0{}T00:00:00.000Z", DAYS[n % DAYS.len()]).into(),
            Kind::Date => format!("2031-01-0{}", 2 * DAYS[n % DAYS.len()]).into(),
            Kind::Uuid => UUIDS[n % UUIDS.len()].into(),
            Kind::Json => {
                [json!({"a": [1, {"b": null}]}), json!([]), json!("é"), json!(false)][n % 4].clone()
            }
            Kind::Reference(resource) => Box::pin(cx.referred(user, resource, n % 2)).await?,
        })
    }

    /// What it is when nothing is said of it.
    pub(super) fn absent(&self) -> Value {
        self.default.map_or(Value::Null, Value::from)
    }

    /// JSON of a type that it never has, if there is one.
    pub(super) fn wrong_types(&self) -> Vec<Value> {
        match self.kind {
            Kind::Json => vec![],
            Kind::Flag => vec![json!({"a": 1}), json!("true"), json!(1)],
            Kind::Integer { .. } => vec![json!(["1"]), json!("1"), json!(1.5), json!(true)],
            Kind::Number { .. } => vec![json!({"a": 1}), json!("1"), json!(true)],
            _ => vec![json!({"a": 1}), json!(["todo"]), json!(5)],
        }
    }

    /// Values of its type that are refused.
    pub(super) fn wrong_values(&self) -> Vec<Value> {
        let texts = |texts: &[&str]| texts.iter().map(|&text| json!(text)).collect();
        match self.kind {
            Kind::Text { min, max } => {
                // One 😀 is one character, though four bytes and two units of UTF-16.
                let mut wrong = vec![json!("😀".repeat(max + 1))];
                wrong.extend((min > 0).then(|| json!("é".repeat(min - 1))));
                wrong
            }
            Kind::Form { refused, .. } => texts(refused),
            Kind::Bytes { most } => {
                // Without its end, beyond the alphabet, and too long.
                let long = BASE64.encode(vec![0; most + 1]);
                texts(&["AA", "A", "!!!!", "AP-A", &long])
            }
            Kind::Choice(words) => {
                let first = words.first().copied().unwrap_or_default().to_uppercase();
                texts(&["bogus", "", &first])
            }
            Kind::Integer { min, max } => {
                let beyond = [min.checked_sub(1), max.checked_add(1)];
                beyond.into_iter().flatten().map(Value::from).collect()
            }
            Kind::Number { min, max } => {
                let beyond = [min - min.abs().max(1.0), max + max.abs().max(1.0)];
                beyond.into_iter().filter(|number| number.is_finite()).map(Value::from).collect()
            }
            Kind::Time => texts(NO_TIMES),
            Kind::Date => texts(NO_DATES),
            Kind::Uuid | Kind::Reference(_) => texts(&["no id", ""]),
            Kind::Flag | Kind::Json => vec![],
        }
    }

    pub(super) fn wrong(&self) -> impl Iterator<Item = Value> {
        self.wrong_values().into_iter().chain(self.wrong_types())
    }

    /// Whether its values have an order that is not the server's choice.
    pub(super) fn is_ordered(&self) -> bool {
        matches!(self.kind, Kind::Time | Kind::Date | Kind::Integer { .. } | Kind::Number { .. })
    }

    /// A value that parts the samples, and is none of them.
    pub(super) fn between(&self) -> Option<Value> {
        match self.kind {
            Kind::Time => Some("2031-01-01T12:00:00.000Z".into()),
            Kind::Date => Some("2031-01-03".into()),
            Kind::Integer { min, max } => Some(middle(min, middle(min, max)).into()),
            Kind::Number { min, max } => Some(f64::midpoint(min, f64::midpoint(min, max)).into()),
            _ => None,
        }
    }
}

impl Filter {
    /// The field that it looks at.
    pub(super) fn field(self, fields: &'static [Field]) -> Option<&'static Field> {
        let name = match self.keeps {
            Keeps::Equal => self.name,
            Keeps::Before(field) | Keeps::After(field) => field,
            Keeps::Found => {
                return fields.iter().find(|field| matches!(field.kind, Kind::Text { .. }));
            }
        };
        fields.iter().find(|field| field.name == name)
    }
}

fn middle(min: i64, max: i64) -> i64 {
    i64::midpoint(min, max)
}

fn fitted(word: &str, min: usize, max: usize) -> String {
    let missing = min.saturating_sub(word.chars().count());
    word.chars().take(max).chain(std::iter::repeat_n('x', missing)).collect()
}

/// Text that no other record of this run has, and that is the same in another run but for the tag.
fn unique(cx: &Context, n: usize, min: usize, max: usize) -> String {
    let mark = cx.client.mark();
    let whole = format!("{} {mark} {}", WORDS[n % WORDS.len()], cx.tag);
    if whole.chars().count() <= max {
        return fitted(&whole, min, max);
    }
    // FNV-1a: short, and without a clash among so few.
    let hash = mark.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    fitted(&format!("{hash:016x}"), min, max)
}

/// A value as it stands in a query.
pub fn in_query(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let encoded = text.bytes().map(|byte| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_length_that_is_asked_for() {
        assert_eq!(fitted("apple", 0, 3), "app");
        assert_eq!(fitted("zoo", 5, 9), "zooxx");
    }

    #[test]
    fn queries_are_encoded() {
        assert_eq!(in_query(&json!("50%_é a")), "50%25_%C3%A9%20a");
        assert_eq!(in_query(&json!(true)), "true");
    }
}
