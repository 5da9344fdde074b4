//! Input to typed values, with every fault at once.
//!
//! A handler takes its fields one by one from [`Fields`], builds its input, and hands it to
//! [`Fields::finish`], which adds what `validator` finds and what nobody asked for.

use std::{borrow::Cow, collections::HashSet};

use serde_json::{Map, Value};
use uuid::Uuid;
use validator::{Validate, ValidationError, ValidationErrorsKind};

use crate::{
    Code, Error, Fault, Timestamp,
    printable::{is_blank, is_control},
    text::{is_identifier, is_mark, normalize},
};

/// Of a query, those that are separated: also empty ones.
const MOST_PARAMETERS: usize = 100;

/// More faults than this are not listed: an answer has to end somewhere.
const MOST_FAULTS: usize = 100;

/// The fields of a JSON object or of a query, taken one by one.
pub struct Fields {
    map: Map<String, Value>,
    faults: Vec<Fault>,
    /// What an unexpected field is called: `unknown_field`, `unknown_parameter`.
    unknown: &'static str,
}

impl Fields {
    /// The fields of a JSON body; anything but an object is a fault of its own.
    pub fn of_body(body: Value) -> Result<Self, Error> {
        match body {
            Value::Object(map) => Ok(Self { map, faults: Vec::new(), unknown: "unknown_field" }),
            _ => Err(Error::invalid(vec![Fault::new("", "type", "Must be an object.")])),
        }
    }

    /// The parameters of a query string, in `application/x-www-form-urlencoded`. A name that
    /// stands twice, or what does not decode to UTF-8, is [`Code::MalformedQuery`]; so are more
    /// parameters than anything takes, before work is made of them.
    pub fn of_query(query: &str) -> Result<Self, Error> {
        let mut map = Map::new();
        if query.bytes().filter(|&byte| byte == b'&').count() >= MOST_PARAMETERS {
            return Err(Error::new(Code::MalformedQuery, "The query has too many parameters."));
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(Error::new(Code::MalformedQuery, "The query can't be decoded."));
            };
            if map.insert(name, Value::String(value)).is_some() {
                return Err(Error::new(Code::MalformedQuery, "The query names a parameter twice."));
            }
        }
        Ok(Self { map, faults: Vec::new(), unknown: "unknown_parameter" })
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

    /// A field of a merge patch that can be removed: absent leaves it (`None`), null removes it
    /// (`Some(None)`).
    pub fn change_nullable<T: Field>(&mut self, name: &str) -> Option<Option<T>> {
        match self.map.remove(name) {
            None => None,
            Some(Value::Null) => Some(None),
            Some(value) => self.read(name, value).map(Some),
        }
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
                // A field that could not even be read has its fault already.
                if let ValidationErrorsKind::Field(errors) = kind
                    && !seen.contains(&pointer(&name))
                {
                    self.faults.extend(errors.into_iter().map(|error| of_validator(&name, error)));
                }
            }
        }
        let unknown = self
            .map
            .keys()
            .take(MOST_FAULTS)
            .map(|name| Fault::new(pointer(name), self.unknown, "Is not known here."));
        self.faults.extend(unknown);
        if self.faults.is_empty() {
            return Ok(input);
        }
        self.faults.truncate(MOST_FAULTS);
        Err(Error::invalid(self.faults))
    }

    fn read<T: Field>(&mut self, name: &str, value: Value) -> Option<T> {
        match T::read(value) {
            Ok(value) => Some(value),
            Err((code, detail)) => {
                self.faults.push(Fault::new(pointer(name), code, detail));
                None
            }
        }
    }
}

/// RFC 6901.
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn of_validator(name: &str, error: ValidationError) -> Fault {
    let bound = |key: &str| error.params.get(key).and_then(Value::as_u64);
    let detail = match (error.message.clone(), bound("min"), bound("max")) {
        (Some(message), ..) => message,
        (None, Some(min), Some(max)) => Cow::Owned(format!("Must have {min} to {max} characters.")),
        (None, None, Some(max)) => Cow::Owned(format!("Must have at most {max} characters.")),
        _ => Cow::Borrowed("Is not valid."),
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

/// The code and the detail of a fault.
pub type FieldFault = (&'static str, Cow<'static, str>);

/// A type that a field can hold.
pub trait Field: Sized {
    fn read(value: Value) -> Result<Self, FieldFault>;
}

/// A string of any characters but U+0000, which PostgreSQL can't store and bcrypt would stop at.
pub fn any_text(value: Value) -> Result<String, FieldFault> {
    match value {
        Value::String(text) if text.contains('\0') => {
            Err(("invalid_text", "Must not contain U+0000.".into()))
        }
        Value::String(text) => Ok(text),
        _ => Err(("type", "Must be a string.".into())),
    }
}

fn text(value: Value) -> Result<String, FieldFault> {
    let text = any_text(value)?;
    if text.contains(is_control) {
        let detail = "Must not contain control characters other than tab and line breaks.";
        return Err(("invalid_text", detail.into()));
    }
    Ok(text)
}

/// For a name or a title: there is something to be seen in it. An empty one has a fault already.
pub fn visible(text: &str) -> Result<(), ValidationError> {
    if text.is_empty() || !is_blank(text) {
        return Ok(());
    }
    let blank = "Must have characters that can be seen, not white space alone.";
    Err(ValidationError::new("invalid_text").with_message(blank.into()))
}

impl Field for String {
    fn read(value: Value) -> Result<Self, FieldFault> {
        text(value)
    }
}

/// A UUID in its one usual spelling: 36 characters, with hyphens.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

impl Field for Uuid {
    fn read(value: Value) -> Result<Self, FieldFault> {
        parse_uuid(&text(value)?).ok_or(("uuid", "Must be a UUID.".into()))
    }
}

impl Field for Timestamp {
    fn read(value: Value) -> Result<Self, FieldFault> {
        Self::parse(&text(value)?).ok_or((
            "date_time",
            "Must be an RFC 3339 date and time of the years 0001 to 9999, such as 2026-11-20T12:00:00Z.".into(),
        ))
    }
}

/// A whole number of a query.
impl Field for u32 {
    fn read(value: Value) -> Result<Self, FieldFault> {
        let text = text(value)?;
        text.parse()
            .ok()
            .filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or(("type", "Must be a whole number.".into()))
    }
}

/// An enumeration in its `snake_case` names.
#[macro_export]
macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
        $(#[$meta])*
        pub enum $name { $(#[serde(rename = $text)] $variant),* }

        impl $name {
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl $crate::validate::Field for $name {
            fn read(value: serde_json::Value) -> Result<Self, $crate::validate::FieldFault> {
                let text = <String as $crate::validate::Field>::read(value)?;
                Self::parse(&text).ok_or(("enum", concat!("Must be one of:", $(" ", $text),*, ".").into()))
            }
        }
    };
}

/// An e-mail address that an account may have: trimmed, lower-case, in Normalization Form C, and
/// beyond ASCII of identifier characters alone, so that no two accounts look the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Email(pub String);

/// An address by which an account is looked for. Accounts older than the rules of [`Email`] keep
/// the address they have, and are found by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownEmail {
    /// As [`Email`] is stored.
    pub normal: String,
    /// As it was stored before: trimmed and lower-case.
    pub typed: String,
}

const NO_EMAIL: FieldFault = ("email", Cow::Borrowed("Must be an e-mail address."));

impl Field for Email {
    fn read(value: Value) -> Result<Self, FieldFault> {
        let KnownEmail { normal, .. } = KnownEmail::read(value)?;
        if is_address(&normal, is_label) { Ok(Self(normal)) } else { Err(NO_EMAIL) }
    }
}

impl Field for KnownEmail {
    fn read(value: Value) -> Result<Self, FieldFault> {
        let typed = text(value)?.trim().to_lowercase();
        let known = Self { normal: normalize(&typed), typed };
        let may_be_known =
            [&known.normal, &known.typed].iter().any(|text| is_address(text, |_| true));
        if may_be_known { Ok(known) } else { Err(NO_EMAIL) }
    }
}

/// At least two labels: `a@b` is a valid address somewhere, and a slip of the pen everywhere else.
fn is_address(text: &str, is_label: impl Fn(&str) -> bool) -> bool {
    let Some((user, domain)) = text.rsplit_once('@').filter(|_| text.len() <= 254) else {
        return false;
    };
    is_mailbox(user)
        && domain.contains('.')
        && domain.split('.').all(|label| has_form_of_label(label) && is_label(label))
}

/// As HTML has it for `<input type=email>`.
fn is_mailbox(user: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    (1..=64).contains(&user.len()) && user.bytes().all(plain)
}

fn has_form_of_label(label: &str) -> bool {
    let plain = |c: char| {
        if c.is_ascii() {
            c.is_ascii_alphanumeric() || c == '-'
        } else {
            !c.is_whitespace() && !c.is_control()
        }
    };
    (1..=63).contains(&label.len())
        && label.chars().all(plain)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Which letters beyond ASCII a label holds is for its registry to decide, but a person has to see
/// them: not a mark on the dot before, nor a second dot on an `i`.
fn is_label(label: &str) -> bool {
    label.chars().all(|c| c.is_ascii() || is_identifier(c))
        && !label.starts_with(is_mark)
        && !label.contains("i\u{307}")
        && !label.contains("j\u{307}")
}

/// `#rrggbb`, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Color(pub String);

impl Field for Color {
    fn read(value: Value) -> Result<Self, FieldFault> {
        let color = text(value)?;
        let digits = color.strip_prefix('#').unwrap_or_default();
        if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(color.to_ascii_lowercase()))
        } else {
            Err(("color", "Must be a color such as #1e90ff.".into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

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
    fn emails_are_addresses() {
        let email = |text: &str| Email::read(Value::from(text)).map(|email| email.0);
        assert_eq!(email(" Ada@Example.COM "), Ok("ada@example.com".to_owned()));
        let label = "a".repeat(63);
        let (user, longest) = ("u".repeat(64), format!("{label}.{label}.{}", "a".repeat(61)));
        for right in [
            "o'neil+tag@a-b.co.uk",
            "ada@bücher.example",
            "ada@xn--bcher-kva.example",
            &format!("{user}@{label}.example"),
            &format!("{user}@{longest}"),
        ] {
            assert_eq!(email(right), Ok(right.to_owned()));
        }
        for wrong in [
            "",
            "a@b",
            "a b@example.com",
            "@example.com",
            "a@",
            "a@.com",
            "a@example..com",
            "a@b@c.de",
            "a@-b.de",
            "a@b-.de",
            "a@b_c.de",
            "a@b\u{a0}c.de",
            &format!("{user}u@example.com"),
            &format!("a@{label}a.example"),
            &format!("{user}@{longest}a"),
        ] {
            assert!(email(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn emails_have_one_spelling_each() {
        let email = |text: &str| Email::read(Value::from(text)).map(|email| email.0);
        for same in
            ["ada@caf\u{e9}.fr", "ada@cafe\u{301}.fr", "ADA@CAFE\u{301}.FR", "Ada@CAF\u{c9}.fr"]
        {
            assert_eq!(email(same), Ok("ada@caf\u{e9}.fr".to_owned()), "{same}");
        }
        // In every place of an address: seen by nobody, or a variant of what stands there.
        for c in "\u{ad}\u{200b}\u{200d}\u{202e}\u{2060}\u{3164}\u{e0061}\u{fe0f}\u{378}\u{e000}\u{ffff}ａ．＠".chars() {
            for place in ["a_da@example.com", "ada_@example.com", "ada@_example.com", "ada@exam_ple.com", "ada@example._com", "ada@example.com_"] {
                let address = place.replace('_', &c.to_string());
                assert!(email(&address).is_err(), "{address:?}");
            }
        }
        for wrong in ["ada@e\u{307}.\u{301}a.fr", "ada@i\u{307}n.fr", "ada@İn.fr", "ada@a‐b.fr"]
        {
            assert!(email(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn accounts_of_before_are_found() {
        let known = |text: &str| {
            KnownEmail::read(Value::from(text)).map(|email| (email.normal, email.typed))
        };
        let both = |normal: &str, typed: &str| Ok((normal.to_owned(), typed.to_owned()));
        assert_eq!(known("Ada@Cafe\u{301}.fr"), both("ada@caf\u{e9}.fr", "ada@cafe\u{301}.fr"));
        assert_eq!(known("ada@a\u{200b}b.fr"), both("ada@a\u{200b}b.fr", "ada@a\u{200b}b.fr"));
        assert!(known("ada\u{200b}@a.fr").is_err(), "it never was an address");
        // Too long as it was typed, and not as it is stored.
        let long = format!("ada@{}.fr", "e\u{301}".repeat(30));
        assert_eq!(
            known(&long).map(|both| both.0),
            Email::read(Value::from(&*long)).map(|email| email.0)
        );
    }

    #[test]
    fn what_has_one_spelling_has_no_other() {
        let color = |text: &str| Color::read(Value::from(text)).map(|color| color.0).ok();
        assert_eq!(color("#1E90ff").as_deref(), Some("#1e90ff"));
        for wrong in [
            "",
            "#",
            "1e90ff",
            "#1e90f",
            "#1e90ff0",
            "#1e90fg",
            "#12",
            "##1e90f",
            " #1e90ff",
            "#１e90ff",
        ] {
            assert_eq!(color(wrong), None, "{wrong}");
        }
        let id = "01a1f8d3-ea00-7c41-9d2e-5b6f7a8091a2";
        assert!(parse_uuid(id).is_some() && parse_uuid(&id.to_uppercase()).is_some());
        for wrong in [
            &id.replace('-', ""),
            &format!("{{{id}}}"),
            &format!("urn:uuid:{id}"),
            &id[1..],
            &format!("{id}0"),
            &id.replace('-', "_"),
        ] {
            assert_eq!(parse_uuid(wrong), None, "{wrong}");
        }
        let number = |text: &str| u32::read(Value::from(text)).ok();
        assert_eq!((number("20"), number("4294967295")), (Some(20), Some(u32::MAX)));
        for wrong in ["", "+1", "-1", "1.0", "1e1", " 1", "0x1", "4294967296", "１"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_query_of_very_many_parameters_is_not_read() {
        let query = |count: usize| (0..count).map(|n| format!("p{n}=1")).collect::<Vec<_>>();
        assert!(Fields::of_query(&query(MOST_PARAMETERS).join("&")).is_ok());
        for wrong in [query(MOST_PARAMETERS + 1).join("&"), "&".repeat(60_000)] {
            let error = Fields::of_query(&wrong).err().unwrap();
            assert_eq!(error.code, Code::MalformedQuery);
        }
    }

    #[test]
    fn queries_decode_once() {
        let mut fields = Fields::of_query("q=a%20b+c&x=%2525").unwrap();
        assert_eq!(fields.optional::<String>("q").as_deref(), Some("a b c"));
        assert_eq!(fields.optional::<String>("x").as_deref(), Some("%25"));
        for wrong in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=1&a=2", "a=1&%61=2"] {
            assert_eq!(
                Fields::of_query(wrong).err().unwrap().code,
                Code::MalformedQuery,
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

        #[test]
        fn colors_never_panic(color in "#?.{0,8}") {
            let _ = Color::read(Value::from(color));
        }
    }
}
