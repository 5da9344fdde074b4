//! Bytes in APIs.

use std::borrow::Cow;

use ::base64::{Engine as _, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// Bytes that JSON has as text: base64 of RFC 4648 section 4, with its padding. At most `MOST`
/// bytes are read from a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base64<'a, const MOST: usize = 65_536>(pub Cow<'a, [u8]>);

impl<const MOST: usize> Base64<'static, MOST> {
    /// What a text stands for. `None` where it is not base64 in its one spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(STANDARD.decode(text).ok()?.into()))
    }
}

impl<const MOST: usize> Serialize for Base64<'_, MOST> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<const MOST: usize> JsonSchema for Base64<'_, MOST> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Base64".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "contentEncoding": "base64",
            "maxLength": MOST.div_ceil(3) * 4,
            "description": format!("At most {MOST} bytes."),
            "examples": ["T2Fycw=="],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_have_one_spelling() {
        for (text, bytes) in [("", &b""[..]), ("AA==", b"\0"), ("+/8=", b"\xfb\xff")] {
            assert_eq!(Base64::<9>::parse(text).unwrap().0, bytes, "{text}");
        }
        for wrong in ["A", "AA", "AA=", "AB==", "-_8=", "AA==\n", "A A=", "AA==AA=="] {
            assert_eq!(Base64::<9>::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bytes: Vec<u8>) {
            let text = serde_json::to_value(Base64::<9>(bytes.as_slice().into())).unwrap();
            prop_assert_eq!(Base64::<9>::parse(text.as_str().unwrap()).unwrap().0, bytes);
        }
    }
}
