//! Input to typed values, with every fault at once.
//!
//! An [`Input`] takes its fields one by one from [`Fields`], and [`Fields::finish`] adds what
//! `validator` finds and what nobody asked for.

mod email;
mod field;
mod input;
mod number;
mod path;

use std::{borrow::Cow, collections::HashSet};

use serde_json::{Map, Value};
use validator::{Validate, ValidationError, ValidationErrorsKind};

pub use self::{
    email::{Email, KnownEmail},
    field::{Color, Field, FieldFault, any_text, parse_uuid, visible},
    input::{Input, Nothing, Patch, Shown, Take},
    path::PathValue,
};
use crate::{Code, Error, Fault};

/// Of a query, those that are separated: also empty ones.
const MOST_PARAMETERS: usize = 100;

/// More faults than this are not listed: an answer has to end somewhere.
const MOST_FAULTS: usize = 100;

/// The fields of a JSON object or of a query, taken one by one.
pub struct Fields {
    map: Map<String, Value>,
    faults: Vec<Fault>,
    source: Source,
}

#[derive(Clone, Copy, PartialEq)]
enum Source {
    Body,
    /// All its values are strings.
    Query,
}

impl Fields {
    /// The fields of a JSON body; anything but an object is a fault of its own.
    pub fn of_body(body: Value) -> Result<Self, Error> {
        match body {
            Value::Object(map) => Ok(Self { map, faults: Vec::new(), source: Source::Body }),
            _ => Err(Error::invalid(vec![Fault::new("", "type", "Must be an object.")])),
        }
    }

    /// The parameters of a query string, in `application/x-www-form-urlencoded`. A name that
    /// stands twice, or what does not decode to UTF-8, is [`Code::MALFORMED_QUERY`]; so are more
    /// parameters than anything takes, before work is made of them.
    pub fn of_query(query: &str) -> Result<Self, Error> {
        let mut map = Map::new();
        if query.bytes().filter(|&byte| byte == b'&').count() >= MOST_PARAMETERS {
            return Err(Error::new(Code::MALFORMED_QUERY, "The query has too many parameters."));
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(Error::new(Code::MALFORMED_QUERY, "The query can't be decoded."));
            };
            if map.insert(name, Value::String(value)).is_some() {
                return Err(Error::new(
                    Code::MALFORMED_QUERY,
                    "The query names a parameter twice.",
                ));
            }
        }
        Ok(Self { map, faults: Vec::new(), source: Source::Query })
    }

    /// A field that has to be there and not null. The stand-in for a faulty one never leaves
    /// [`Self::finish`].
    pub fn required<T: Field + Default>(&mut self, name: &str) -> T {
        match self.map.remove(name) {
            None => self.fault(name, "required", "Is required."),
            Some(Value::Null) => self.fault(name, "null", "Must not be null."),
            Some(value) => return self.read(name, value).unwrap_or_default(),
        }
        T::default()
    }

    /// A field that may be absent or null.
    pub fn optional<T: Field>(&mut self, name: &str) -> Option<T> {
        match self.map.remove(name) {
            None | Some(Value::Null) => None,
            Some(value) => self.read(name, value),
        }
    }

    /// A field of a merge patch (RFC 7396) that can't be removed: absent leaves it, null is a fault.
    pub fn change<T: Field>(&mut self, name: &str) -> Option<T> {
        match self.map.remove(name) {
            None => None,
            Some(Value::Null) => {
                self.fault(name, "null", "Must not be null.");
                None
            }
            Some(value) => self.read(name, value),
        }
    }

    /// A field of a merge patch that can be removed: absent leaves it, null removes it
    /// (`Set(None)`).
    pub fn change_nullable<T: Field>(&mut self, name: &str) -> Patch<Option<T>> {
        match self.map.remove(name) {
            None => Patch::Keep,
            Some(Value::Null) => Patch::Set(None),
            Some(value) => {
                self.read(name, value).map_or(Patch::Keep, |value| Patch::Set(Some(value)))
            }
        }
    }

    /// Reads a whole input.
    pub fn input<T: Input>(mut self) -> Result<T, Error> {
        let input = T::take(&mut self);
        self.finish(input)
    }

    /// Adds a fault that only the handler can see.
    pub fn fault(&mut self, name: &str, code: &'static str, detail: &'static str) {
        self.faults.push(Fault::new(pointer(name), code, detail));
    }

    /// The input, when it has no fault at all.
    pub fn finish<T: Validate>(mut self, input: T) -> Result<T, Error> {
        let seen: HashSet<String> = self.faults.iter().map(|fault| fault.pointer.clone()).collect();
        if let Err(errors) = input.validate() {
            let mut found: Vec<_> = errors.into_errors().into_iter().collect();
            found.sort_by(|a, b| a.0.cmp(&b.0));
            for (name, kind) in found {
                let name = field_name(&name);
                // A field that could not even be read has its fault already.
                if let ValidationErrorsKind::Field(errors) = kind
                    && !seen.contains(&pointer(name))
                {
                    self.faults.extend(errors.into_iter().map(|error| of_validator(name, error)));
                }
            }
        }
        let unknown = match self.source {
            Source::Body => "unknown_field",
            Source::Query => "unknown_parameter",
        };
        let unknown = self
            .map
            .keys()
            .take(MOST_FAULTS)
            .map(|name| Fault::new(pointer(name), unknown, "Is not known here."));
        self.faults.extend(unknown);
        if self.faults.is_empty() {
            return Ok(input);
        }
        self.faults.truncate(MOST_FAULTS);
        Err(Error::invalid(self.faults))
    }

    fn read<T: Field>(&mut self, name: &str, value: Value) -> Option<T> {
        let read = match value {
            Value::String(text) if self.source == Source::Query => T::read_text(text),
            value => T::read(value),
        };
        match read {
            Ok(value) => Some(value),
            Err((code, detail)) => {
                self.faults.push(Fault::new(pointer(name), code, detail));
                None
            }
        }
    }
}

/// The name of a field as callers spell it: of `r#type`, `type`.
pub const fn field_name(field: &str) -> &str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// RFC 6901.
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn of_validator(name: &str, error: ValidationError) -> Fault {
    let bound = |key: &str| error.params.get(key).and_then(Value::as_number);
    let (be, unit) = match &*error.code {
        "range" => ("be", ""),
        _ => ("have", " characters"),
    };
    let detail = match (error.message.clone(), bound("min"), bound("max")) {
        (Some(message), ..) => message,
        (None, Some(min), Some(max)) => format!("Must {be} {min} to {max}{unit}.").into(),
        (None, Some(min), None) => format!("Must {be} at least {min}{unit}.").into(),
        (None, None, Some(max)) => format!("Must {be} at most {max}{unit}.").into(),
        (None, None, None) => Cow::Borrowed("Is not valid."),
    };
    Fault::new(pointer(name), error.code, detail)
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                (high * 16 + low) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{Date, Json, printable::is_blank};

    #[derive(Debug, Validate)]
    struct Input {
        #[validate(length(min = 1, max = 5), custom(function = visible))]
        title: String,
        #[validate(length(max = 3))]
        note: Option<String>,
    }

    fn read(body: Value) -> Result<Input, Error> {
        let mut fields = Fields::of_body(body)?;
        let input = Input { title: fields.required("title"), note: fields.optional("note") };
        fields.finish(input)
    }

    #[test]
    fn lists_every_fault_once() {
        let error = read(json!({"note": "long one", "a/b~c": 1, "title": 5})).unwrap_err();
        let faults: Vec<_> =
            error.faults.iter().map(|fault| (fault.pointer.as_str(), &*fault.code)).collect();
        assert_eq!(
            faults,
            [("/title", "type"), ("/note", "length"), ("/a~1b~0c", "unknown_field")]
        );
    }

    #[test]
    fn lengths_count_scalar_values() {
        assert!(read(json!({"title": "ééééé"})).is_ok());
        assert!(read(json!({"title": "👩‍👩‍👧‍👦"})).is_err(), "seven scalar values");
    }

    #[test]
    fn text_is_seen_and_does_not_steer() {
        let fault = |title: &str| {
            let error = read(json!({ "title": title })).err()?;
            let faults =
                error.faults.iter().map(|fault| (fault.pointer.clone(), fault.code.clone()));
            Some(faults.collect::<Vec<_>>())
        };
        let invalid = vec![("/title".to_owned(), "invalid_text".into())];
        for wrong in [
            "a\u{0}",
            "a\u{1b}",
            "\u{7}",
            "a\u{7f}",
            "a\u{85}",
            "a\u{9b}",
            "a\u{b}",
            "a\u{c}",
            " ",
            "\t\n",
            "\u{a0}\u{3000}",
            "\u{200b}",
            "\u{3164}",
        ] {
            assert_eq!(fault(wrong).as_ref(), Some(&invalid), "{wrong:?}");
        }
        for right in ["a\tb", "a\r\nb", " a ", "\u{200f}א", "👩\u{200d}🚀"] {
            assert_eq!(fault(right), None, "{right:?}");
        }
        assert_eq!(fault("").unwrap()[0].1, "length");
        assert_eq!(fault("").unwrap().len(), 1);
    }

    #[test]
    fn a_query_of_very_many_parameters_is_not_read() {
        let query = |count: usize| (0..count).map(|n| format!("p{n}=1")).collect::<Vec<_>>();
        assert!(Fields::of_query(&query(MOST_PARAMETERS).join("&")).is_ok());
        for wrong in [query(MOST_PARAMETERS + 1).join("&"), "&".repeat(60_000)] {
            let error = Fields::of_query(&wrong).err().unwrap();
            assert_eq!(error.code, Code::MALFORMED_QUERY);
        }
    }

    #[test]
    fn numbers_out_of_their_range_hear_of_it() {
        #[derive(Debug, Validate)]
        struct Sizes {
            #[validate(range(min = -5, max = 5))]
            both: i64,
            #[validate(range(min = 0.5))]
            least: Option<f64>,
            #[validate(range(max = 7))]
            most: Option<i64>,
        }
        let sizes = |both, least, most| {
            let input = Sizes { both, least: Some(least), most: Some(most) };
            let faults = Fields::of_query("").unwrap().finish(input).err()?.faults;
            Some(faults.into_iter().map(|fault| (fault.code, fault.detail)).collect::<Vec<_>>())
        };
        assert_eq!(sizes(-5, 0.5, 7), None);
        let faults = sizes(6, 0.25, 8).unwrap();
        assert!(faults.iter().all(|(code, _)| code == "range"));
        let details: Vec<_> = faults.iter().map(|(_, detail)| &**detail).collect();
        assert_eq!(details, ["Must be -5 to 5.", "Must be at least 0.5.", "Must be at most 7."]);
    }

    #[test]
    fn a_query_says_in_text_what_a_body_says_in_json() {
        let mut query =
            Fields::of_query("int=-5&float=1.5e1&bool=true&json=[1.0]&day=2026-11-26").unwrap();
        assert_eq!(query.optional::<i64>("int"), Some(-5));
        assert_eq!(query.optional::<f64>("float"), Some(15.0));
        assert_eq!(query.optional::<bool>("bool"), Some(true));
        assert_eq!(query.optional::<Json>("json").unwrap().text(), "[1]");
        assert_eq!(query.optional::<Date>("day"), Date::parse("2026-11-26"));
        let body = json!({"int": "-5", "float": "1.5", "bool": "true", "day": 5, "size": "7"});
        let mut body = Fields::of_body(body).unwrap();
        let int: i64 = body.required("int");
        let read = (int, body.optional::<f64>("float"), body.optional::<bool>("bool"));
        assert_eq!(read, (0, None, None));
        assert_eq!((body.optional::<Date>("day"), body.optional::<i64>("size")), (None, None));
        assert!(body.faults.iter().all(|fault| fault.code == "type") && body.faults.len() == 5);
    }

    #[test]
    fn queries_decode_once() {
        let mut fields = Fields::of_query("q=a%20b+c&x=%2525").unwrap();
        assert_eq!(fields.optional::<String>("q").as_deref(), Some("a b c"));
        assert_eq!(fields.optional::<String>("x").as_deref(), Some("%25"));
        for wrong in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=1&a=2", "a=1&%61=2"] {
            assert_eq!(
                Fields::of_query(wrong).err().unwrap().code,
                Code::MALFORMED_QUERY,
                "{wrong}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_title_is_taken_exactly_when_it_fits(title in "\\PC{0,8}") {
            let fits = (1..=5).contains(&title.chars().count()) && !is_blank(&title);
            prop_assert_eq!(read(json!({ "title": title })).is_ok(), fits);
        }

        #[test]
        fn queries_never_panic(query in ".*") {
            let _ = Fields::of_query(&query);
        }
    }
}
