//! Keyset pagination: a page begins behind the last record of the one before, so nothing is
//! skipped or repeated while others insert.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::Serialize;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::{
    Code, Date, Error, Timestamp,
    auth::keys::{Ring, mac},
    sql::{Statement, Value},
    validate::Fields,
};

pub const DEFAULT_LIMIT: u32 = 20;
pub const MOST: u32 = 100;
/// Half of HMAC-SHA256; a guess has one chance in 2^128.
const TAG_BYTES: usize = 16;

/// One page of a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

/// A way to sort a list. `column` is an SQL expression that is never NULL and has an index
/// together with the user and the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub name: &'static str,
    pub column: &'static str,
}

/// The value that a record sorts by.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    Time(Timestamp),
    Text(String),
    Int(i64),
    Float(f64),
    Date(Date),
}

impl From<&Key> for Value<'_> {
    fn from(key: &Key) -> Self {
        match key {
            Key::Time(time) => (*time).into(),
            Key::Text(text) => text.clone().into(),
            Key::Int(number) => (*number).into(),
            Key::Float(number) => (*number).into(),
            Key::Date(date) => (*date).into(),
        }
    }
}

impl From<Timestamp> for Key {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}
impl From<i64> for Key {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
impl From<f64> for Key {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}
impl From<Date> for Key {
    fn from(date: Date) -> Self {
        Self::Date(date)
    }
}
impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// What `limit`, `sort` and `cursor` of a query ask for.
pub struct PageRequest {
    limit: i64,
    sort: Sort,
    descending: bool,
    after: Option<(Key, Uuid)>,
    /// What a cursor belongs to: its list, user, sort and filter.
    binding: Vec<u8>,
}

impl PageRequest {
    /// Takes `limit`, `sort` and `cursor`; the handler takes its filters before, and gives them
    /// again as `filter`, in one spelling whatever the query's was. The first of `sorts` is what
    /// an absent `sort` means, descending.
    pub fn read(
        fields: &mut Fields,
        keys: &Ring,
        list: &str,
        user: Uuid,
        sorts: &[Sort],
        filter: &str,
    ) -> Result<Self, Error> {
        let limit = fields.optional("limit").unwrap_or(DEFAULT_LIMIT.into());
        if !(1..=MOST.into()).contains(&limit) {
            fields.fault("limit", "range", "Must be from 1 to 100.");
        }
        let asked: Option<String> = fields.optional("sort");
        let (name, descending) = match asked.as_deref() {
            None => (sorts[0].name, true),
            Some(name) => name.strip_prefix('-').map_or((name, false), |name| (name, true)),
        };
        let sort = sorts.iter().find(|sort| sort.name == name).copied().unwrap_or_else(|| {
            fields.fault(
                "sort",
                "enum",
                "Must be one of this list's sorts, with - for descending.",
            );
            sorts[0]
        });
        let direction = if descending { "-" } else { "" };
        let binding = format!("{list}\0{user}\0{direction}{}\0{filter}", sort.name).into_bytes();
        let after = match fields.optional::<String>("cursor") {
            Some(cursor) => Some(open(keys, &binding, &cursor).ok_or_else(|| {
                Error::new(Code::INVALID_CURSOR, "The cursor does not belong to this list.")
            })?),
            None => None,
        };
        Ok(Self { limit, sort, descending, after, binding })
    }

    /// Ends a `SELECT … WHERE …` with the cursor's condition, the order and the limit. One row
    /// more than the limit is asked for, to know whether there is a next page.
    pub fn finish(&self, mut statement: Statement<'_>) -> Statement<'static> {
        let column = self.sort.column;
        let (order, beyond) = if self.descending { ("DESC", "<") } else { ("ASC", ">") };
        if let Some((key, id)) = &self.after {
            let key = statement.bind(key);
            let id = statement.bind(*id);
            let condition = format!("\nAND ({column}, id) {beyond} (${key}, ${id})");
            statement.text.to_mut().push_str(&condition);
        }
        let limit = statement.bind(self.limit + 1);
        let order = format!("\nORDER BY {column} {order}, id {order} LIMIT ${limit}");
        statement.text.to_mut().push_str(&order);
        let arguments = statement.arguments.into_iter().map(Value::into_owned).collect();
        Statement { text: statement.text, access: statement.access, arguments }
    }

    /// Of the rows that were found, those of this page, and whether there is a next one.
    pub fn split<'r, R>(&self, rows: &'r [R]) -> (&'r [R], bool) {
        let limit = self.limit as usize;
        (&rows[..rows.len().min(limit)], rows.len() > limit)
    }

    /// The name of the sort.
    pub const fn sort(&self) -> &'static str {
        self.sort.name
    }

    /// Where the page behind a record begins, by what that sorts by.
    pub fn cursor(&self, keys: &Ring, key: &Key, id: Uuid) -> String {
        seal(keys, &self.binding, key, id)
    }
}

fn seal(keys: &Ring, binding: &[u8], key: &Key, id: Uuid) -> String {
    let mut bytes = id.as_bytes().to_vec();
    match key {
        Key::Time(time) => {
            bytes.push(b't');
            bytes.extend(time.millis().to_be_bytes());
        }
        Key::Text(text) => {
            bytes.push(b's');
            bytes.extend(text.as_bytes());
        }
        Key::Int(number) => {
            bytes.push(b'i');
            bytes.extend(number.to_be_bytes());
        }
        Key::Float(number) => {
            bytes.push(b'f');
            bytes.extend(number.to_be_bytes());
        }
        Key::Date(date) => {
            bytes.push(b'd');
            bytes.extend(date.days().to_be_bytes());
        }
    }
    let tag = mac(&keys.signer().mac, &[&bytes, binding]);
    bytes.extend(&tag[..TAG_BYTES]);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn open(keys: &Ring, binding: &[u8], cursor: &str) -> Option<(Key, Uuid)> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (body, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
    let genuine = keys
        .keys
        .iter()
        .any(|key| bool::from(mac(&key.mac, &[body, binding])[..TAG_BYTES].ct_eq(tag)));
    if !genuine {
        return None;
    }
    let (id, key) = body.split_at_checked(16)?;
    let key = match key.split_first()? {
        (b't', millis) => {
            Key::Time(Timestamp::from_millis(i64::from_be_bytes(millis.try_into().ok()?)))
        }
        (b's', text) => Key::Text(String::from_utf8(text.to_vec()).ok()?),
        (b'i', number) => Key::Int(i64::from_be_bytes(number.try_into().ok()?)),
        (b'f', number) => Key::Float(f64::from_be_bytes(number.try_into().ok()?)),
        (b'd', days) => match i32::from_be_bytes(days.try_into().ok()?) {
            i32::MAX => Key::Date(Date::INFINITY),
            days => Key::Date(Date::from_days(days)?),
        },
        _ => return None,
    };
    Some((key, Uuid::from_slice(id).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring() -> Ring {
        Ring::of_secret("a secret that is only used in tests")
    }

    proptest! {
        #[test]
        fn a_cursor_opens_where_it_was_sealed_and_nowhere_else(
            text in ".{0,40}", millis in any::<i64>(), float in any::<f64>(), days in any::<u16>(), id in any::<u128>(), flip in any::<prop::sample::Index>(),
        ) {
            let id = Uuid::from_u128(id);
            for key in [
                Key::Text(text.clone()),
                Key::Time(Timestamp::from_millis(millis)),
                Key::Int(millis),
                Key::Float(float),
                Key::Date(Date::from_days(days.into()).unwrap()),
                Key::Date(Date::INFINITY),
            ] {
                let cursor = seal(&ring(), b"mine", &key, id);
                prop_assert_eq!(open(&ring(), b"mine", &cursor), Some((key, id)));
                prop_assert_eq!(open(&ring(), b"another's", &cursor), None);
                prop_assert_eq!(open(&Ring::of_secret("another"), b"mine", &cursor), None);
                let mut altered = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
                let position = flip.index(altered.len());
                altered[position] ^= 1;
                prop_assert_eq!(open(&ring(), b"mine", &URL_SAFE_NO_PAD.encode(altered)), None);
            }
        }

        #[test]
        fn a_forged_cursor_is_refused(cursor in ".{0,80}") {
            prop_assert_eq!(open(&ring(), b"mine", &cursor), None);
        }
    }
}
