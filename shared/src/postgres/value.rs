//! Values in PostgreSQL's binary form, there and back.

use bytes::{BufMut as _, BytesMut};
use postgres_protocol::{IsNull, Oid};
use uuid::Uuid;

use super::oid;
use crate::{Date, Json, Timestamp, sql::Value};

/// PostgreSQL counts microseconds from 2000-01-01, and its ends of time are the ends of `i64`.
const EPOCH_2000_MILLIS: i64 = 946_684_800_000;
/// And days likewise.
const EPOCH_2000_DAYS: i32 = 10_957;
/// What the binary form of `jsonb` begins with: its version.
const JSONB: u8 = 1;

/// What an argument is sent as, unless the server has inferred another type that it fits.
pub const fn type_of(value: &Value<'_>) -> Oid {
    match value {
        Value::Null => oid::INFERRED,
        Value::Bool(_) => oid::BOOL,
        Value::Int(_) => oid::INT8,
        Value::Text(_) => oid::TEXT,
        Value::Uuid(_) => oid::UUID,
        Value::Time(_) => oid::TIMESTAMPTZ,
        Value::Float(_) => oid::FLOAT8,
        Value::Bytes(_) => oid::BYTEA,
        Value::Date(_) => oid::DATE,
        Value::Json(_) => oid::JSONB,
    }
}

/// Whether an argument can be sent as a type.
pub fn fits(value: &Value<'_>, due: Oid) -> bool {
    match value {
        Value::Null => true,
        Value::Text(_) => matches!(due, oid::TEXT | oid::VARCHAR),
        Value::Json(_) => matches!(due, oid::JSON | oid::JSONB),
        _ => type_of(value) == due,
    }
}

/// Writes an argument as a type that it [`fits`].
pub fn encode(value: &Value<'_>, due: Oid, out: &mut BytesMut) -> IsNull {
    match value {
        Value::Null => return IsNull::Yes,
        Value::Bool(value) => out.put_u8(u8::from(*value)),
        Value::Int(value) => out.put_i64(*value),
        Value::Text(value) => out.put_slice(value.as_bytes()),
        Value::Uuid(value) => out.put_slice(value.as_bytes()),
        Value::Time(Timestamp::INFINITY) => out.put_i64(i64::MAX),
        Value::Time(value) => out.put_i64((value.millis() - EPOCH_2000_MILLIS) * 1000),
        Value::Float(value) => out.put_f64(*value),
        Value::Bytes(value) => out.put_slice(value),
        Value::Date(Date::INFINITY) => out.put_i32(i32::MAX),
        Value::Date(value) => out.put_i32(value.days() - EPOCH_2000_DAYS),
        Value::Json(text) => {
            if due == oid::JSONB {
                out.put_u8(JSONB);
            }
            out.put_slice(text.as_bytes());
        }
    }
    IsNull::No
}

// What columns hold, as their types say. `None` is not of the type, or no value that we have.

pub fn bool(of: Oid, raw: &[u8]) -> Option<bool> {
    match (of, raw) {
        (oid::BOOL, [byte]) => Some(*byte != 0),
        _ => None,
    }
}

/// Every size of whole number: `SELECT 1` is an `int4`, a count is an `int8`.
pub fn int(of: Oid, raw: &[u8]) -> Option<i64> {
    match of {
        oid::INT2 => Some(i16::from_be_bytes(raw.try_into().ok()?).into()),
        oid::INT4 => Some(i32::from_be_bytes(raw.try_into().ok()?).into()),
        oid::INT8 => Some(i64::from_be_bytes(raw.try_into().ok()?)),
        _ => None,
    }
}

pub fn text(of: Oid, raw: &[u8]) -> Option<&str> {
    match of {
        oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME => std::str::from_utf8(raw).ok(),
        _ => None,
    }
}

pub fn uuid(of: Oid, raw: &[u8]) -> Option<Uuid> {
    if of == oid::UUID { Uuid::from_slice(raw).ok() } else { None }
}

pub fn time(of: Oid, raw: &[u8]) -> Option<Timestamp> {
    if of != oid::TIMESTAMPTZ {
        return None;
    }
    Some(match i64::from_be_bytes(raw.try_into().ok()?) {
        i64::MAX => Timestamp::INFINITY,
        micros => Timestamp::from_millis(micros.div_euclid(1000) + EPOCH_2000_MILLIS),
    })
}

/// Finite, and without a sign of zero.
pub fn float(of: Oid, raw: &[u8]) -> Option<f64> {
    if of != oid::FLOAT8 {
        return None;
    }
    let number = f64::from_be_bytes(raw.try_into().ok()?) + 0.0;
    number.is_finite().then_some(number)
}

pub fn bytes(of: Oid, raw: &[u8]) -> Option<&[u8]> {
    (of == oid::BYTEA).then_some(raw)
}

pub fn date(of: Oid, raw: &[u8]) -> Option<Date> {
    if of != oid::DATE {
        return None;
    }
    match i32::from_be_bytes(raw.try_into().ok()?) {
        i32::MAX => Some(Date::INFINITY),
        days => days.checked_add(EPOCH_2000_DAYS).and_then(Date::from_days),
    }
}

pub fn json(of: Oid, raw: &[u8]) -> Option<Json> {
    let ((oid::JSONB, [JSONB, text @ ..]) | (oid::JSON, text)) = (of, raw) else { return None };
    Json::parse(std::str::from_utf8(text).ok()?)
}
