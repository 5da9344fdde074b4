use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use time::Month;

use crate::{
    Timestamp,
    time::{Text, digits},
};

/// 1970-01-01 by the Julian count of days.
const EPOCH_JULIAN: i32 = 2_440_588;

/// A day of the calendar, without a place or a time, between the years 0001 and 9999.
///
/// In JSON it is `2026-11-26`.
///
/// ```
/// use trireme_core::Date;
/// let day = Date::parse("2024-02-29").expect("a leap year");
/// assert_eq!(&*day.iso(), "2024-02-29");
/// assert!(day < Date::MAX && Date::parse("2023-02-29").is_none());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

impl Date {
    /// 0001-01-01: there is no year 0 in PostgreSQL.
    pub const MIN: Self = Self(-719_162);
    /// 9999-12-31.
    pub const MAX: Self = Self(2_932_896);
    /// Later than any day: where a record without the date sorts. It lives in keyset cursors and
    /// in SQL (`infinity`), never in an answer.
    pub const INFINITY: Self = Self(i32::MAX);

    /// The day that is so many days after 1970-01-01, where it is one of those.
    pub fn from_days(days: i32) -> Option<Self> {
        let day = Self(days);
        (Self::MIN..=Self::MAX).contains(&day).then_some(day)
    }

    /// Days after 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The day of UTC that a moment lies in.
    pub fn of(moment: Timestamp) -> Self {
        let moment = moment.clamp(Timestamp::MIN, Timestamp::MAX);
        Self(moment.seconds().div_euclid(86_400) as i32)
    }

    /// Reads `YYYY-MM-DD`, the one spelling. `None` where there is no such day.
    pub fn parse(text: &str) -> Option<Self> {
        let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = *text.as_bytes() else { return None };
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0, |number: u16, digit| {
                digit.is_ascii_digit().then(|| number * 10 + u16::from(digit - b'0'))
            })
        };
        let month = Month::try_from(number(&[m0, m1])? as u8).ok()?;
        let (year, day) = (number(&[y0, y1, y2, y3])?, number(&[d0, d1])? as u8);
        let date = time::Date::from_calendar_date(year.into(), month, day).ok()?;
        Self::from_days(date.to_julian_day() - EPOCH_JULIAN)
    }

    /// The ten characters of the JSON form; a day out of range is shown as the nearest.
    pub fn iso(self) -> Text<10> {
        let day = self.clamp(Self::MIN, Self::MAX);
        let date = time::Date::from_julian_day(day.0 + EPOCH_JULIAN).unwrap_or(time::Date::MIN);
        let mut text = *b"0000-00-00";
        digits(&mut text[0..4], date.year().unsigned_abs());
        digits(&mut text[5..7], u32::from(u8::from(date.month())));
        digits(&mut text[8..10], u32::from(date.day()));
        Text(text)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.iso())
    }
}

impl JsonSchema for Date {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Date".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date",
            "description": "A day of the years 0001 to 9999.",
            "examples": ["2026-11-26"],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_day_has_one_spelling() {
        for (text, days) in [
            ("0001-01-01", Date::MIN.0),
            ("1970-01-01", 0),
            ("2000-01-01", 10_957),
            ("9999-12-31", Date::MAX.0),
        ] {
            assert_eq!(Date::parse(text), Some(Date(days)), "{text}");
            assert_eq!(&*Date(days).iso(), text);
        }
        for wrong in [
            "",
            "2026-11-2",
            "2026-11-261",
            "26-11-2026",
            "2026/11/26",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-02-29",
            "1900-02-29",
            "0000-12-31",
            "-001-01-01",
            "+026-11-26",
            "2026-11-26Z",
            "２026-1-1",
            "infinity",
        ] {
            assert_eq!(Date::parse(wrong), None, "{wrong}");
        }
        assert_eq!(&*Date::INFINITY.iso(), "9999-12-31");
        assert_eq!(Date::from_days(Date::MAX.0 + 1), None);
    }

    #[test]
    fn a_moment_lies_in_a_day_of_utc() {
        for (moment, day) in [
            ("2026-11-26T23:59:59.999Z", "2026-11-26"),
            ("2026-11-26T23:59:59-01:00", "2026-11-27"),
            ("1969-12-31T23:59:59.999Z", "1969-12-31"),
        ] {
            let of = Timestamp::parse(moment).map(Date::of);
            assert_eq!(of, Date::parse(day), "{moment}");
        }
        assert_eq!((Date::of(Timestamp::MIN), Date::of(Timestamp::MAX)), (Date::MIN, Date::MAX));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_sorts_as_text(a in Date::MIN.0..=Date::MAX.0, b in Date::MIN.0..=Date::MAX.0) {
            let (a, b) = (Date(a), Date(b));
            prop_assert_eq!(Date::parse(&a.iso()), Some(a));
            prop_assert_eq!(a.cmp(&b), a.iso().cmp(&*b.iso()));
        }
    }
}
