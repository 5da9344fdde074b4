//! The types that a field can hold, each read from its one usual spelling.

use std::borrow::Cow;

use serde_json::Value;
use uuid::Uuid;
use validator::ValidationError;

use super::Shown;
use crate::{
    Base64, Date, Json, Timestamp, json,
    printable::{is_blank, is_control},
    sql,
};

/// The code and the detail of a fault.
pub type FieldFault = (&'static str, Cow<'static, str>);

/// A type that a field can hold.
pub trait Field: Sized {
    /// From a body's JSON.
    fn read(value: Value) -> Result<Self, FieldFault>;

    /// From a query's text: of what is no string in JSON, the spelling that it has there.
    fn read_text(text: String) -> Result<Self, FieldFault> {
        Self::read(Value::String(text))
    }
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

/// The same without control characters, but for tab and line breaks.
pub(super) fn text(value: Value) -> Result<String, FieldFault> {
    let text = any_text(value)?;
    if text.contains(is_control) {
        let detail = "Must not contain control characters other than tab and line breaks.";
        return Err(("invalid_text", detail.into()));
    }
    Ok(text)
}

/// For a name or a title: there is something to be seen in it. An empty one has a fault already.
pub fn visible(text: &(impl Shown + ?Sized)) -> Result<(), ValidationError> {
    if text.shown().is_none_or(|text| text.is_empty() || !is_blank(text)) {
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

impl Field for Date {
    fn read(value: Value) -> Result<Self, FieldFault> {
        Self::parse(&text(value)?)
            .ok_or(("date", "Must be a date of the years 0001 to 9999, such as 2026-11-20.".into()))
    }
}

impl Field for bool {
    fn read(value: Value) -> Result<Self, FieldFault> {
        value.as_bool().ok_or(("type", "Must be true or false.".into()))
    }

    fn read_text(text: String) -> Result<Self, FieldFault> {
        text.parse().map_err(|_| ("type", "Must be true or false.".into()))
    }
}

impl<const MOST: usize> Field for Base64<'static, MOST> {
    fn read(value: Value) -> Result<Self, FieldFault> {
        let bytes = Self::parse(&text(value)?)
            .ok_or(("base64", "Must be base64, with its padding.".into()))?;
        if bytes.0.len() > MOST {
            return Err(("length", format!("Must have at most {MOST} bytes.").into()));
        }
        Ok(bytes)
    }
}

impl Field for Json {
    fn read(value: Value) -> Result<Self, FieldFault> {
        Self::new(value).ok_or(("invalid_text", "Must not contain U+0000.".into()))
    }

    fn read_text(text: String) -> Result<Self, FieldFault> {
        Self::read(json::parse(text.as_bytes()).map_err(|_| ("json", "Must be JSON.".into()))?)
    }
}

/// `#rrggbb`, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Color(pub String);

impl<'a> From<&'a Color> for sql::Value<'a> {
    fn from(color: &'a Color) -> Self {
        (&color.0).into()
    }
}

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

    use super::*;

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
    }

    #[test]
    fn bytes_have_a_bound_and_json_no_null_character() {
        let code = |fault: FieldFault| fault.0;
        let bytes = |text: &str| Base64::<4>::read(Value::from(text)).map_err(code);
        assert_eq!(bytes("AAECAw==").map(|bytes| bytes.0.len()), Ok(4));
        assert_eq!(bytes("AAECAwQ="), Err("length"));
        assert_eq!(bytes("AAECAw"), Err("base64"));
        assert_eq!(Json::read(serde_json::json!({"a": ["\0"]})).map_err(code), Err("invalid_text"));
        assert_eq!(Json::read_text("{".to_owned()).map_err(code), Err("json"));
        assert_eq!(Date::read(Value::from("2026-02-30")).map_err(code), Err("date"));
    }

    proptest! {
        #[test]
        fn colors_never_panic(color in "#?.{0,8}") {
            let _ = Color::read(Value::from(color));
        }
    }
}
