//! JSON as the contract reads it: strict UTF-8, no duplicate keys, no lone surrogates.

use std::{borrow::Cow, fmt, ops::Deref};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use crate::{Code, Error};

/// Reads one JSON document. [`Code::MALFORMED_JSON`] says where it went wrong.
pub fn parse(bytes: &[u8]) -> Result<Value, Error> {
    let strict: Result<Strict, _> = serde_json::from_slice(bytes);
    strict.map(|strict| strict.0).map_err(|error| {
        Error::new(Code::MALFORMED_JSON, format!("The body is not valid JSON: {error}."))
    })
}

/// Any JSON value, in the one form that every database gives back to the byte: keys are sorted,
/// whole numbers have no point (`1.0` is `1`, `-0.0` is `0`), no text has U+0000. At the top there
/// is no null: that is SQL's NULL, an absent field.
///
/// ```
/// use trireme_core::Json;
/// let json = Json::parse(r#"{"b": [1.0, 1e300], "a": null}"#).expect("JSON");
/// assert_eq!(json.text(), r#"{"a":null,"b":[1,1e+300]}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Json(Value);

impl Json {
    /// `None` where a text or a key has U+0000, which PostgreSQL can't store.
    pub fn new(mut value: Value) -> Option<Self> {
        value.sort_all_objects();
        normalize(&mut value).then_some(Self(value))
    }

    /// What a database holds.
    pub fn parse(text: &str) -> Option<Self> {
        Self::new(serde_json::from_str(text).ok()?)
    }

    /// Without white space.
    pub fn text(&self) -> String {
        self.0.to_string()
    }
}

impl Deref for Json {
    type Target = Value;
    fn deref(&self) -> &Value {
        &self.0
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl JsonSchema for Json {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Json".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Any JSON. It comes back with sorted keys.",
            "examples": [{"any": ["thing"]}],
        })
    }
}

/// Whether it can be stored. PostgreSQL writes numbers out: what was `1e17` would come back as
/// digits, and then be another kind of number to us.
fn normalize(value: &mut Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|_| number.is_f64()).and_then(whole) {
                *number = whole;
            }
            true
        }
        Value::String(text) => !text.contains('\0'),
        Value::Array(items) => items.iter_mut().all(normalize),
        Value::Object(object) => {
            object.iter_mut().all(|(key, value)| !key.contains('\0') && normalize(value))
        }
    }
}

/// A whole number as such, where `serde_json` would read its digits as one.
fn whole(number: f64) -> Option<Number> {
    const I64_END: f64 = 9_223_372_036_854_775_808.0;
    if number.fract() != 0.0 {
        None
    } else if (-I64_END..I64_END).contains(&number) {
        Some((number as i64).into())
    } else {
        (I64_END..I64_END * 2.0).contains(&number).then(|| (number as u64).into())
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if object.insert(key, value).is_some() {
                return Err(de::Error::custom("a key stands twice in one object"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_is_not_strict() {
        for wrong in [
            &b""[..],
            b"{",
            b"{\"a\":1,\"a\":2}",
            b"{\"a\":{\"b\":1,\"b\":1}}",
            b"[{\"a\":1,\"a\":1}]",
            b"\"\\ud800\"",
            b"\"\\udc00x\"",
            b"\"\xff\"",
            b"{} {}",
            b"1e999",
            b"\xef\xbb\xbf{}",
            b"{\"a\":NaN}",
        ] {
            let error = parse(wrong).unwrap_err();
            assert_eq!(error.code, Code::MALFORMED_JSON, "{}", String::from_utf8_lossy(wrong));
        }
        assert_eq!(parse("\"\\ud83d\\ude00\"".as_bytes()).unwrap(), Value::from("😀"));
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn one_value_has_one_text() {
        for (given, text) in [
            (r#" { "b" : 1, "a" : [ ] } "#, r#"{"a":[],"b":1}"#),
            (
                "[1.0, -0.0, -0, 1e2, 1e16, 1e17, -1e18]",
                "[1,0,0,100,10000000000000000,100000000000000000,-1000000000000000000]",
            ),
            (
                "[9223372036854775807, 18446744073709551615]",
                "[9223372036854775807,18446744073709551615]",
            ),
            (
                "[18446744073709551616, -9223372036854775809]",
                "[1.8446744073709552e+19,-9223372036854775808]",
            ),
            (
                "[0.1, 1e300, 5e-324, 2.2250738585072011e-308]",
                "[0.1,1e+300,5e-324,2.225073858507201e-308]",
            ),
            (r#""\u00e9\ud83d\ude00\/""#, "\"é😀/\""),
        ] {
            assert_eq!(Json::parse(given).unwrap().text(), text, "{given}");
        }
        for wrong in [r#""\u0000""#, r#"{"\u0000":1}"#, r#"[{"a":["\u0000"]}]"#, "{", ""] {
            assert_eq!(Json::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
            /// As PostgreSQL's `jsonb` writes a number: all its digits, and no exponent.
            #[test]
            fn a_number_survives_being_written_out(bits: u64) {
                let number = f64::from_bits(bits);
                prop_assume!(number.is_finite());
                let json = Json::new(number.into()).unwrap();
                prop_assert_eq!(json.as_f64(), Some(number));
                prop_assert_eq!(Json::parse(&json.text()).unwrap().text(), json.text());
    if json.is_f64() {
                    let written = format!("{number}");
                    prop_assert_eq!(Json::parse(&written).unwrap().text(), json.text());
                }
            }

            #[test]
            fn reads_what_serde_json_writes(text in ".*", number in any::<i64>()) {
                let value = serde_json::json!({ "text": text, "list": [number, null, true] });
                prop_assert_eq!(parse(value.to_string().as_bytes()).unwrap(), value);
            }

            #[test]
            fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
                let _ = parse(&bytes);
            }
        }
}
