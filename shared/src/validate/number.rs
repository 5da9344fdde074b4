//! Numbers: of JSON in bodies, decimal text in queries.

use serde_json::Value;

use super::{Field, FieldFault};

/// Up to here D1, and every client that JavaScript runs, tell each whole number from the next.
pub(super) const EXACT: i64 = (1 << 53) - 1;

impl Field for i64 {
    fn read(value: Value) -> Result<Self, FieldFault> {
        exact(of_json(&value)?)
    }

    fn read_text(text: String) -> Result<Self, FieldFault> {
        exact(of_text(&text)?)
    }
}

/// Zero has no sign, which SQLite would not keep.
impl Field for f64 {
    fn read(value: Value) -> Result<Self, FieldFault> {
        value.as_f64().map(|number| number + 0.0).ok_or(("type", "Must be a number.".into()))
    }

    fn read_text(text: String) -> Result<Self, FieldFault> {
        // White space around a number would be read too.
        let number = Some(text).filter(|text| !text.contains(char::is_whitespace));
        let number = number.and_then(|text| serde_json::from_str(&text).ok());
        Self::read(number.unwrap_or_default())
    }
}

const fn no_whole<T>() -> Result<T, FieldFault> {
    Err(("type", std::borrow::Cow::Borrowed("Must be a whole number.")))
}

/// A whole number is one however it is written: JSON knows `5`, `5.0` and `5e0` as one number.
fn of_json(value: &Value) -> Result<i64, FieldFault> {
    match (value.as_i64(), value.as_f64()) {
        (Some(number), _) => Ok(number),
        (None, Some(number)) if number.fract() == 0.0 => Ok(number as i64),
        _ => no_whole(),
    }
}

/// Digits alone, after a minus where there is one. Too many are out of any range.
fn of_text(text: &str) -> Result<i64, FieldFault> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return no_whole();
    }
    Ok(text.parse().unwrap_or(if text.len() == digits.len() { i64::MAX } else { i64::MIN }))
}

fn exact(number: i64) -> Result<i64, FieldFault> {
    if (-EXACT..=EXACT).contains(&number) {
        return Ok(number);
    }
    Err(("range", format!("Must be from {} to {EXACT}.", -EXACT).into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_are_exact_or_refused() {
        let body = |value| i64::read(value).map_err(|fault| fault.0);
        for (value, number) in [
            (json!(EXACT), EXACT),
            (json!(-EXACT), -EXACT),
            (json!(5.0), 5),
            (json!(-0.0), 0),
            (json!(9.007_199_254_740_991e15), EXACT),
        ] {
            assert_eq!(body(value.clone()), Ok(number), "{value}");
        }
        for value in
            [json!(EXACT + 1), json!(-EXACT - 1), json!(u64::MAX), json!(1e300), json!(-1e300)]
        {
            assert_eq!(body(value.clone()), Err("range"), "{value}");
        }
        for value in [json!(0.5), json!("5"), json!(true), json!([5])] {
            assert_eq!(body(value.clone()), Err("type"), "{value}");
        }
    }

    #[test]
    fn a_query_has_digits_alone() {
        let size = |text: &str| i64::read_text(text.to_owned()).map_err(|fault| fault.0);
        assert_eq!((size("20"), size("-9007199254740991")), (Ok(20), Ok(-EXACT)));
        for wrong in ["", "-", "+1", "1.0", "1e1", " 1", "0x1", "１", "--1"] {
            assert_eq!(size(wrong), Err("type"), "{wrong}");
        }
        for wrong in ["9007199254740992", "99999999999999999999", "-99999999999999999999"] {
            assert_eq!(size(wrong), Err("range"), "{wrong}");
        }
        let float = |text: &str| f64::read_text(text.to_owned()).ok();
        assert_eq!((float("1.5e-3"), float("-0")), (Some(0.0015), Some(0.0)));
        assert!(float("-0").unwrap().is_sign_positive());
        for wrong in ["", " 1", "1 ", "NaN", "inf", "1e999", "\"1\"", "true", "0x1", "[1]"] {
            assert_eq!(float(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_number_is_read_as_it_is_written(float: f64, int in -EXACT..=EXACT) {
            prop_assert_eq!(f64::read(json!(float)), Ok(float));
            prop_assert_eq!(f64::read_text(json!(float).to_string()), Ok(float));
            prop_assert_eq!(i64::read(json!(int)), Ok(int));
            prop_assert_eq!(i64::read_text(int.to_string()), Ok(int));
        }
    }
}
