use std::time::Duration;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A moment, in whole milliseconds since the Unix epoch, between the years 0001 and 9999.
///
/// In JSON it is RFC 3339 in UTC with exactly three decimals: `2026-11-20T12:00:00.000Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write.
    pub const MAX: Self = Self(253_402_300_799_999);
    /// 0001-01-01T00:00:00.000Z, the first one of our era: there is no year 0 in PostgreSQL.
    pub const MIN: Self = Self(-62_135_596_800_000);
    /// Later than any moment: where a record without the date sorts. It lives in keyset
    /// cursors and in SQL (`infinity`), never in an answer.
    pub const INFINITY: Self = Self(i64::MAX);

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: the unit of JWT's `NumericDate`.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_millis() as i64))
    }

    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_millis() as i64))
    }

    /// Reads RFC 3339 with any offset. Finer parts than a millisecond are cut off, and a leap
    /// second is read as the last millisecond before it. `None` when the text is no such
    /// moment or lies outside [`Self::MIN`]..=[`Self::MAX`] once in UTC.
    pub fn parse(text: &str) -> Option<Self> {
        if text.as_bytes().get(10).is_none_or(|separator| !separator.eq_ignore_ascii_case(&b'T')) {
            return None;
        }
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let millis = moment.unix_timestamp_nanos().div_euclid(1_000_000);
        let moment = Self(i64::try_from(millis).ok()?);
        (Self::MIN..=Self::MAX).contains(&moment).then_some(moment)
    }

    /// The 24 characters of the JSON form; a moment out of range is shown as the nearest.
    pub fn rfc3339(self) -> Text<24> {
        let clamped = self.0.clamp(Self::MIN.0, Self::MAX.0);
        let moment = OffsetDateTime::from_unix_timestamp(clamped.div_euclid(1000))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        digits(&mut text[0..4], moment.year().unsigned_abs());
        digits(&mut text[5..7], u32::from(u8::from(moment.month())));
        digits(&mut text[8..10], u32::from(moment.day()));
        digits(&mut text[11..13], u32::from(moment.hour()));
        digits(&mut text[14..16], u32::from(moment.minute()));
        digits(&mut text[17..19], u32::from(moment.second()));
        digits(&mut text[20..23], clamped.rem_euclid(1000) as u32);
        Text(text)
    }
}

pub(crate) fn digits(out: &mut [u8], mut number: u32) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// A moment or a day written out, without an allocation.
pub struct Text<const LENGTH: usize>(pub(crate) [u8; LENGTH]);

impl<const LENGTH: usize> std::ops::Deref for Text<LENGTH> {
    type Target = str;
    fn deref(&self) -> &str {
        // Only ASCII digits and punctuation were ever written.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339, in the years 0001 to 9999 of UTC.",
            "examples": ["2026-11-20T12:00:00.000Z"],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_offsets_and_writes_utc() {
        for (text, utc) in [
            ("2026-11-20T13:00:00.1239+01:00", "2026-11-20T12:00:00.123Z"),
            ("2026-11-20t12:00:00z", "2026-11-20T12:00:00.000Z"),
            ("2026-11-20T12:00:00-00:00", "2026-11-20T12:00:00.000Z"),
            ("2026-11-20T12:00:00.000000000001+23:59", "2026-11-19T12:01:00.000Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"),
            ("2016-12-31T18:59:60.5-05:00", "2016-12-31T23:59:59.999Z"),
            ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
            ("1882-12-31T23:59:59.999Z", "1882-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(
                Timestamp::parse(text).map(|time| time.rfc3339().to_string()).as_deref(),
                Some(utc),
                "{text}"
            );
        }
        for wrong in [
            "",
            "2026-11-20",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-20T24:00:00Z",
            "2026-11-20T12:00:60Z",
            "2026-11-20T12:00:00",
            "2026-11-20T12:00Z",
            "2026-11-20T12:00:00+24:00",
            "2026-11-20T12:00:00+0100",
            "2026-11-20 12:00:00Z",
            "+2026-11-20T12:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn years_are_those_of_four_digits_and_our_era() {
        for (first, last) in [
            ("0001-01-01T00:00:00Z", "0000-12-31T23:59:59.999Z"),
            ("0001-01-01T01:00:00+01:00", "0001-01-01T00:59:59.999+01:00"),
            ("0000-12-31T23:00:00-01:00", "0000-12-31T22:59:59.999-01:00"),
        ] {
            assert_eq!(Timestamp::parse(first), Some(Timestamp::MIN), "{first}");
            assert_eq!(Timestamp::parse(last), None, "{last}");
        }
        for (last, beyond) in [
            ("9999-12-31T23:59:59.999Z", "10000-01-01T00:00:00Z"),
            ("9999-12-31T22:59:59.999-01:00", "9999-12-31T23:00:00-01:00"),
            ("9999-12-31T23:59:60Z", "9999-12-31T23:59:59.999-00:01"),
        ] {
            assert_eq!(Timestamp::parse(last), Some(Timestamp::MAX), "{last}");
            assert_eq!(Timestamp::parse(beyond), None, "{beyond}");
        }
        for wrong in ["0000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "0000-02-29T12:00:00Z"] {
            assert_eq!(Timestamp::parse(wrong), None, "{wrong}");
        }
        assert_eq!(
            &*Timestamp::from_millis(-62_167_219_200_000).rfc3339(),
            "0001-01-01T00:00:00.000Z"
        );
        assert_eq!(&*Timestamp::MIN.rfc3339(), "0001-01-01T00:00:00.000Z");
        assert_eq!(&*Timestamp::INFINITY.rfc3339(), "9999-12-31T23:59:59.999Z");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(millis in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let moment = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse(&moment.rfc3339()), Some(moment));
        }
    }
}
