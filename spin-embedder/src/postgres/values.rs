//! Which value fits which column. The driver compares the Rust type behind a value with the type that
//! the server reports, and that strictness is part of Spin's behaviour: a 32-bit integer for a 64-bit
//! column fails, and so does reading a `timestamptz`.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _, Utc};
use rust_decimal::Decimal;
use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;
use wasmtime::error::Context as _;
use wasmtime::{Result, bail};

use crate::bindings::spin::postgres::postgres::{
    Column, DbDataType, DbValue, Interval, ParameterValue,
};

pub type SqlParameter = Box<dyn ToSql + Send + Sync>;

type AnyError = Box<dyn std::error::Error + Sync + Send>;

pub fn parameter(value: &ParameterValue) -> Result<SqlParameter> {
    use ParameterValue as Value;
    Ok(match value {
        Value::Boolean(it) => Box::new(*it),
        Value::Int8(it) => Box::new(*it),
        Value::Int16(it) => Box::new(*it),
        Value::Int32(it) => Box::new(*it),
        Value::Int64(it) => Box::new(*it),
        Value::Floating32(it) => Box::new(*it),
        Value::Floating64(it) => Box::new(*it),
        Value::Str(it) => Box::new(it.clone()),
        Value::Binary(it) => Box::new(it.clone()),
        Value::Date((year, month, day)) => Box::new(date(*year, *month, *day)?),
        Value::Time((hour, minute, second, nano)) => {
            Box::new(time(*hour, *minute, *second, *nano)?)
        }
        Value::Datetime((year, month, day, hour, minute, second, nano)) => Box::new(
            NaiveDateTime::new(date(*year, *month, *day)?, time(*hour, *minute, *second, *nano)?),
        ),
        Value::Timestamp(seconds) => Box::new(
            DateTime::<Utc>::from_timestamp(*seconds, 0)
                .with_context(|| format!("invalid epoch timestamp {seconds}"))?,
        ),
        Value::Uuid(it) => {
            Box::new(Uuid::parse_str(it).with_context(|| format!("invalid UUID {it}"))?)
        }
        Value::Jsonb(it) => Box::new(
            serde_json::from_slice::<serde_json::Value>(it)
                .with_context(|| format!("invalid JSON {}", String::from_utf8_lossy(it)))?,
        ),
        Value::Decimal(it) => Box::new(decimal(it)?),
        Value::ArrayInt32(it) => Box::new(it.clone()),
        Value::ArrayInt64(it) => Box::new(it.clone()),
        Value::ArrayStr(it) => Box::new(it.clone()),
        Value::ArrayDecimal(it) => Box::new(
            it.iter()
                .map(|it| it.as_deref().map(decimal).transpose())
                .collect::<Result<Vec<_>>>()?,
        ),
        Value::Interval(it) => Box::new(SqlInterval(*it)),
        Value::DbNull => Box::new(Null),
        Value::RangeInt32(_) | Value::RangeInt64(_) | Value::RangeDecimal(_) => {
            bail!("the test embedder knows no ranges; see its ADR")
        }
    })
}

fn date(year: i32, month: u8, day: u8) -> Result<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month.into(), day.into())
        .with_context(|| format!("invalid date y={year}, m={month}, d={day}"))
}

fn time(hour: u8, minute: u8, second: u8, nano: u32) -> Result<NaiveTime> {
    NaiveTime::from_hms_nano_opt(hour.into(), minute.into(), second.into(), nano)
        .with_context(|| format!("invalid time {hour}:{minute}:{second}:{nano}"))
}

fn decimal(text: &str) -> Result<Decimal> {
    Decimal::from_str_exact(text).with_context(|| format!("invalid decimal {text}"))
}

pub fn columns(row: &Row) -> Vec<Column> {
    let column = |it: &tokio_postgres::Column| Column {
        name: it.name().to_owned(),
        data_type: data_type(it.type_()),
    };
    row.columns().iter().map(column).collect()
}

fn data_type(kind: &Type) -> DbDataType {
    match *kind {
        Type::BOOL => DbDataType::Boolean,
        Type::BYTEA => DbDataType::Binary,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => DbDataType::Datetime,
        Type::DATE => DbDataType::Date,
        Type::TIME => DbDataType::Time,
        Type::UUID => DbDataType::Uuid,
        Type::JSONB => DbDataType::Jsonb,
        Type::NUMERIC => DbDataType::Decimal,
        Type::INT4_RANGE => DbDataType::RangeInt32,
        Type::INT8_RANGE => DbDataType::RangeInt64,
        Type::NUM_RANGE => DbDataType::RangeDecimal,
        Type::INT4_ARRAY => DbDataType::ArrayInt32,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        Type::NUMERIC_ARRAY => DbDataType::ArrayDecimal,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => DbDataType::ArrayStr,
        Type::INTERVAL => DbDataType::Interval,
        _ => DbDataType::Other(kind.name().to_owned()),
    }
}

/// The first value that can't be had fails the row, and with it the rest of the result.
pub fn row(row: &Row) -> Result<Vec<DbValue>> {
    (0..row.len()).map(|it| value(row, it)).collect()
}

fn value(row: &Row, index: usize) -> Result<DbValue> {
    match *row.columns()[index].type_() {
        Type::BOOL => read(row, index, DbValue::Boolean),
        Type::BYTEA => read(row, index, DbValue::Binary),
        Type::FLOAT4 => read(row, index, DbValue::Floating32),
        Type::FLOAT8 => read(row, index, DbValue::Floating64),
        Type::INT2 => read(row, index, DbValue::Int16),
        Type::INT4 => read(row, index, DbValue::Int32),
        Type::INT8 => read(row, index, DbValue::Int64),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => read(row, index, DbValue::Str),
        // One Rust type for both, and the driver gives it only for the one without a zone.
        Type::TIMESTAMP | Type::TIMESTAMPTZ => read(row, index, |it: NaiveDateTime| {
            let (year, month, day) = parts_of_date(it.date());
            let (hour, minute, second, nano) = parts_of_time(it.time());
            DbValue::Datetime((year, month, day, hour, minute, second, nano))
        }),
        Type::DATE => read(row, index, |it| DbValue::Date(parts_of_date(it))),
        Type::TIME => read(row, index, |it| DbValue::Time(parts_of_time(it))),
        Type::UUID => read(row, index, |it: Uuid| DbValue::Uuid(it.to_string())),
        Type::JSONB => {
            read(row, index, |it: serde_json::Value| DbValue::Jsonb(it.to_string().into_bytes()))
        }
        Type::NUMERIC => read(row, index, |it: Decimal| DbValue::Decimal(it.to_string())),
        Type::INT4_ARRAY => read(row, index, DbValue::ArrayInt32),
        Type::INT8_ARRAY => read(row, index, DbValue::ArrayInt64),
        Type::NUMERIC_ARRAY => read(row, index, |it: Vec<Option<Decimal>>| {
            DbValue::ArrayDecimal(it.iter().map(|it| it.map(|it| it.to_string())).collect())
        }),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => {
            read(row, index, DbValue::ArrayStr)
        }
        Type::INTERVAL => read(row, index, |it: SqlInterval| DbValue::Interval(it.0)),
        Type::INT4_RANGE | Type::INT8_RANGE | Type::NUM_RANGE => {
            bail!("the test embedder knows no ranges; see its ADR")
        }
        // `json` and enums among them: bytes as the server sends them.
        _ => read(row, index, |it: Raw| DbValue::Unsupported(it.0)),
    }
}

fn read<'a, T: FromSql<'a>>(
    row: &'a Row,
    index: usize,
    convert: impl FnOnce(T) -> DbValue,
) -> Result<DbValue> {
    let value: Option<T> = row.try_get(index)?;
    Ok(value.map_or(DbValue::DbNull, convert))
}

/// Months, days, hours and so on are below 256.
fn parts_of_date(date: NaiveDate) -> (i32, u8, u8) {
    (date.year(), date.month() as u8, date.day() as u8)
}

fn parts_of_time(time: NaiveTime) -> (u8, u8, u8, u32) {
    (time.hour() as u8, time.minute() as u8, time.second() as u8, time.nanosecond())
}

/// Fits every column, unlike a `None` of some type.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, AnyError> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

struct Raw(Vec<u8>);

impl FromSql<'_> for Raw {
    fn from_sql(_: &Type, bytes: &[u8]) -> Result<Self, AnyError> {
        Ok(Self(bytes.to_owned()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// On the wire: microseconds in 8 bytes, days in 4, months in 4.
#[derive(Debug)]
struct SqlInterval(Interval);

impl ToSql for SqlInterval {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, AnyError> {
        out.extend_from_slice(&self.0.micros.to_be_bytes());
        out.extend_from_slice(&self.0.days.to_be_bytes());
        out.extend_from_slice(&self.0.months.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::INTERVAL
    }

    to_sql_checked!();
}

impl FromSql<'_> for SqlInterval {
    fn from_sql(_: &Type, bytes: &[u8]) -> Result<Self, AnyError> {
        let unexpected = || "an interval of another length than 16 bytes";
        let (micros, rest) = bytes.split_first_chunk().ok_or_else(unexpected)?;
        let (days, rest) = rest.split_first_chunk().ok_or_else(unexpected)?;
        let months = rest.try_into().map_err(|_| unexpected())?;
        Ok(Self(Interval {
            micros: i64::from_be_bytes(*micros),
            days: i32::from_be_bytes(*days),
            months: i32::from_be_bytes(months),
        }))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::INTERVAL
    }
}
