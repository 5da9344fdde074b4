//! The tokio-postgres side that native and Workers share: a batch as one pipelined round trip,
//! and PostgreSQL's errors in our terms.

mod scram;
pub mod sign_in;

use std::{borrow::Cow, error::Error as _, pin::pin};

use bytes::{BufMut, BytesMut};
use futures_util::{TryStreamExt, future};
use tokio_postgres::{
    Client, Config, Error as PgError, Row as PgRow,
    error::{Severity, SqlState},
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};
use uuid::Uuid;

use crate::{
    Date, Json, Timestamp,
    config::PostgresUrl,
    host::Scope,
    sql::{Access, DatabaseError, DecodeError, Either, Row, Statement, Value},
    sqlstate,
};

/// One connection, as a host holds it.
pub trait Connection {
    fn client(&self) -> &Client;

    /// A statement prepared on this connection, or `None` to send text and types each time,
    /// which is what a transaction pooler needs: there a prepared statement may be another
    /// connection's the next time.
    async fn prepared(&self, text: &str) -> Result<Option<tokio_postgres::Statement>, PgError>;

    /// Whether there is memory for one more row, of so many bytes. Asked where nothing is written;
    /// where there is none, the batch is read to its end and given up.
    fn has_room(&self, _row: usize) -> bool {
        true
    }

    /// Forgets what is prepared; whether anything was.
    fn forget(&self) -> bool {
        false
    }
}

/// What tokio-postgres makes of a URL. A platform that opens the connection for us lets nobody set
/// keep-alives.
pub fn config(url: &PostgresUrl, application_name: &str) -> Result<Config, PgError> {
    let wanted = |name: &str| !(cfg!(target_arch = "wasm32") && name.starts_with("keepalives"));
    url.written(application_name, wanted).reveal().parse()
}

/// Opens a transaction. The isolation level is said each time: the server's, the database's or
/// the role's default may be another, under which transactions that meet fail one another.
pub const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// [`BEGIN`] with the limits of one transaction, for where they can't be the session's, which a
/// pooler shares. On a direct connection a plain [`BEGIN`] will do.
pub fn begin(statement_timeout_ms: u64) -> String {
    format!("{BEGIN}; SET LOCAL statement_timeout = {statement_timeout_ms}")
}

/// The text that opens the transaction, and enters the user's role: one message, which the
/// server answers once. Ids can be written into it as they are.
fn open(begin: &str, scope: Scope) -> Cow<'_, str> {
    match scope {
        Scope::Service => Cow::Borrowed(begin),
        Scope::User { user, session: Some(session) } => {
            Cow::Owned(format!("{begin}; SELECT enter_user('{user}', '{session}')"))
        }
        Scope::User { user, session: None } => {
            Cow::Owned(format!("{begin}; SELECT enter_user('{user}', NULL)"))
        }
    }
}

/// Runs a batch in one transaction and one round trip: everything from `BEGIN` (see [`begin`])
/// to `COMMIT` is sent before the first answer is awaited. A statement that fails leaves the
/// transaction aborted, and the `COMMIT` that was already sent rolls it back; so a caller that
/// stops waiting leaves nothing open either.
///
/// A statement that was prepared before somebody changed the schema, or whose name is no longer
/// the server's, fails before anything is kept: the batch is then prepared anew, once.
pub async fn batch<C: Connection, R: From<PgRow>>(
    connection: &C,
    begin: &str,
    scope: Scope,
    statements: &[Statement<'_>],
) -> Result<Vec<Vec<R>>, DatabaseError> {
    match attempt(connection, begin, scope, statements).await {
        Err(Failure::Stale(_)) if connection.forget() => {
            attempt(connection, begin, scope, statements).await
        }
        result => result,
    }
    .map_err(|failure| match failure {
        Failure::Stale(error) | Failure::Final(error) => error,
    })
}

/// Why an attempt failed.
enum Failure {
    /// Nothing has happened, and what was prepared may be older than the schema.
    Stale(DatabaseError),
    Final(DatabaseError),
}

impl Failure {
    fn of(error: &PgError, meaning: DatabaseError) -> Self {
        let is_stale = error.code().is_some_and(|code| sqlstate::is_of_the_schema(code.code()));
        if is_stale { Self::Stale(meaning) } else { Self::Final(meaning) }
    }
}

async fn attempt<C: Connection, R: From<PgRow>>(
    connection: &C,
    begin: &str,
    scope: Scope,
    statements: &[Statement<'_>],
) -> Result<Vec<Vec<R>>, Failure> {
    let mut sendable = Vec::with_capacity(statements.len());
    for statement in statements {
        let prepared = connection.prepared(&statement.text).await;
        let prepared = prepared.map_err(|error| Failure::of(&error, before_commit(&error)))?;
        if let Some(prepared) = &prepared {
            fits(statement, prepared.params()).map_err(Failure::Stale)?;
        }
        sendable.push((statement, prepared));
    }

    let writes = statements.iter().any(|statement| statement.access == Access::Write);
    let has_room = |row: &PgRow| writes || connection.has_room(row.raw_size_bytes());
    let client = connection.client();
    let open = open(begin, scope);
    let transaction =
        future::join3(
            client.batch_execute(&open),
            future::join_all(sendable.iter().map(|(statement, prepared)| {
                query(client, statement, prepared.as_ref(), has_room)
            })),
            client.batch_execute("COMMIT"),
        );
    let (begun, results, committed) = transaction.await;

    let failed = |error: &PgError| match before_commit(error) {
        // No answer from the server: the COMMIT was under way already.
        DatabaseError::Unavailable(cause) if writes && error.as_db_error().is_none() => {
            DatabaseError::OutcomeUnknown(cause)
        }
        other => other,
    };
    // Cancelled at its very first statement, the transaction was not opened, and those after it
    // have run for themselves.
    begun.map_err(|error| {
        Failure::Final(match failed(&error) {
            DatabaseError::TimedOut(cause) if writes => DatabaseError::OutcomeUnknown(cause),
            other => other,
        })
    })?;
    let rows = results.into_iter().collect::<Result<Vec<_>, _>>();
    let rows = rows.map_err(|error| Failure::of(&error, failed(&error)))?;
    committed.map_err(|error| {
        Failure::Final(match before_commit(&error) {
            DatabaseError::Unavailable(cause) if writes => DatabaseError::OutcomeUnknown(cause),
            other => other,
        })
    })?;
    rows.into_iter().collect::<Option<_>>().ok_or(Failure::Final(DatabaseError::NoRoom))
}

/// An argument that can't be encoded would be noticed only when the other statements and the
/// `COMMIT` are under way: they would be kept without this one.
fn fits(statement: &Statement<'_>, due: &[Type]) -> Result<(), DatabaseError> {
    let arguments = &statement.arguments;
    let fit = arguments.len() == due.len()
        && arguments.iter().zip(due).all(|(value, due)| match value {
            Value::Null => true,
            Value::Text(_) => matches!(*due, Type::TEXT | Type::VARCHAR),
            Value::Json(_) => matches!(*due, Type::JSON | Type::JSONB),
            _ => type_of(value) == *due,
        });
    if fit {
        return Ok(());
    }
    Err(DatabaseError::Failed(format!("{statement:?} is given where {due:?} are due")))
}

/// The rows; `None` where there was no room for all.
async fn query<R: From<PgRow>>(
    client: &Client,
    statement: &Statement<'_>,
    prepared: Option<&tokio_postgres::Statement>,
    has_room: impl Fn(&PgRow) -> bool,
) -> Result<Option<Vec<R>>, PgError> {
    let arguments = statement.arguments.iter();
    let rows = if let Some(prepared) = prepared {
        client.query_raw(prepared, arguments).await?
    } else {
        let typed = arguments.map(|value| (value, type_of(value)));
        client.query_typed_raw(&statement.text, typed).await?
    };
    let mut rows = pin!(rows);
    let mut found = Some(Vec::new());
    while let Some(row) = rows.try_next().await? {
        if !has_room(&row) {
            found = None;
        } else if let Some(found) = &mut found {
            found.push(R::from(row));
        }
    }
    Ok(found)
}

/// Errors that are answers, and leave a connection as good as it was. After any other it is
/// closed: it may be broken, demoted, or hold prepared statements from before a migration.
pub fn is_answer(error: &DatabaseError) -> bool {
    matches!(
        error,
        DatabaseError::SessionEnded
            | DatabaseError::Constraint(_)
            | DatabaseError::TimedOut(_)
            | DatabaseError::NoRoom
            | DatabaseError::Conflict(_)
    )
}

/// An error with its cause, and the server's words with their code.
pub fn explain(error: &PgError) -> String {
    if let Some(server) = error.as_db_error() {
        // It quotes what it does not understand of the URL, and somebody may have taken that for a
        // place of secrets. After signing in these are no fatal errors.
        let options =
            [SqlState::SYNTAX_ERROR, SqlState::INVALID_PARAMETER_VALUE, SqlState::UNDEFINED_OBJECT];
        if server.parsed_severity() == Some(Severity::Fatal) && options.contains(server.code()) {
            let code = server.code().code();
            return format!("{code} the server does not take the URL's `options`");
        }
        return format!("{} {}", server.code().code(), server.message());
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// What an error means while nothing can have been committed.
pub fn before_commit(error: &PgError) -> DatabaseError {
    let Some(server) = error.as_db_error() else {
        let cause =
            error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        return if error.is_closed()
            || error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
        {
            DatabaseError::Unavailable(cause)
        } else {
            DatabaseError::Failed(cause)
        };
    };
    sqlstate::error(server.code().code(), server.message(), server.constraint())
}

const fn type_of(value: &Value<'_>) -> Type {
    match value {
        // The server infers it, as it does for every argument of a prepared statement.
        Value::Null => Type::UNKNOWN,
        Value::Bool(_) => Type::BOOL,
        Value::Int(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Uuid(_) => Type::UUID,
        Value::Time(_) => Type::TIMESTAMPTZ,
        Value::Float(_) => Type::FLOAT8,
        Value::Bytes(_) => Type::BYTEA,
        Value::Date(_) => Type::DATE,
        Value::Json(_) => Type::JSONB,
    }
}

/// PostgreSQL counts microseconds from 2000-01-01, and its ends of time are the ends of `i64`.
const EPOCH_2000_MILLIS: i64 = 946_684_800_000;
/// And days likewise.
const EPOCH_2000_DAYS: i32 = 10_957;
/// What the binary form of `jsonb` begins with: its version.
const JSONB: u8 = 1;

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (self, ty) {
            (Self::Null, _) => return Ok(IsNull::Yes),
            (Self::Bool(value), &Type::BOOL) => out.put_u8(u8::from(*value)),
            (Self::Int(value), &Type::INT8) => out.put_i64(*value),
            (Self::Text(value), &Type::TEXT | &Type::VARCHAR) => out.put_slice(value.as_bytes()),
            (Self::Uuid(value), &Type::UUID) => out.put_slice(value.as_bytes()),
            (Self::Time(Timestamp::INFINITY), &Type::TIMESTAMPTZ) => out.put_i64(i64::MAX),
            (Self::Time(value), &Type::TIMESTAMPTZ) => {
                out.put_i64((value.millis() - EPOCH_2000_MILLIS) * 1000);
            }
            (Self::Float(value), &Type::FLOAT8) => out.put_f64(*value),
            (Self::Bytes(value), &Type::BYTEA) => out.put_slice(value),
            (Self::Date(Date::INFINITY), &Type::DATE) => out.put_i32(i32::MAX),
            (Self::Date(value), &Type::DATE) => out.put_i32(value.days() - EPOCH_2000_DAYS),
            (Self::Json(text), &Type::JSON) => out.put_slice(text.as_bytes()),
            (Self::Json(text), &Type::JSONB) => {
                out.put_u8(JSONB);
                out.put_slice(text.as_bytes());
            }
            (value, ty) => return Err(format!("a {value:?} is given where {ty} is due").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl From<PgRow> for Either<PgRow> {
    fn from(row: PgRow) -> Self {
        Self::Postgres(row)
    }
}

impl Row for PgRow {
    fn bool(&self, column: usize) -> Result<Option<bool>, DecodeError> {
        self.try_get(column).map_err(|_| DecodeError { column })
    }
    fn int(&self, column: usize) -> Result<Option<i64>, DecodeError> {
        let number: Option<PgInt> = self.try_get(column).map_err(|_| DecodeError { column })?;
        Ok(number.map(|number| number.0))
    }
    fn text(&self, column: usize) -> Result<Option<&str>, DecodeError> {
        self.try_get(column).map_err(|_| DecodeError { column })
    }
    fn uuid(&self, column: usize) -> Result<Option<Uuid>, DecodeError> {
        let id: Option<PgUuid> = self.try_get(column).map_err(|_| DecodeError { column })?;
        Ok(id.map(|id| id.0))
    }
    fn time(&self, column: usize) -> Result<Option<Timestamp>, DecodeError> {
        let time: Option<PgTime> = self.try_get(column).map_err(|_| DecodeError { column })?;
        Ok(time.map(|time| time.0))
    }
    fn float(&self, column: usize) -> Result<Option<f64>, DecodeError> {
        let number: Option<f64> = self.try_get(column).map_err(|_| DecodeError { column })?;
        let number = number.map(|number| number + 0.0);
        if number.is_some_and(|number| !number.is_finite()) {
            return Err(DecodeError { column });
        }
        Ok(number)
    }
    fn bytes(&self, column: usize) -> Result<Option<Cow<'_, [u8]>>, DecodeError> {
        let bytes: Option<&[u8]> = self.try_get(column).map_err(|_| DecodeError { column })?;
        Ok(bytes.map(Cow::Borrowed))
    }
    fn date(&self, column: usize) -> Result<Option<Date>, DecodeError> {
        let date: Option<PgDate> = self.try_get(column).map_err(|_| DecodeError { column })?;
        Ok(date.map(|date| date.0))
    }
    fn json(&self, column: usize) -> Result<Option<Json>, DecodeError> {
        let json: Option<PgJson> = self.try_get(column).map_err(|_| DecodeError { column })?;
        Ok(json.map(|json| json.0).filter(|json| !json.is_null()))
    }
}

/// Every size of whole number: `SELECT 1` is an `int4`, a count is an `int8`.
struct PgInt(i64);

impl<'a> FromSql<'a> for PgInt {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(match *ty {
            Type::INT2 => i16::from_be_bytes(raw.try_into()?).into(),
            Type::INT4 => i32::from_be_bytes(raw.try_into()?).into(),
            _ => i64::from_be_bytes(raw.try_into()?),
        }))
    }
    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT2 | Type::INT4 | Type::INT8)
    }
}

struct PgUuid(Uuid);

impl<'a> FromSql<'a> for PgUuid {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Uuid::from_slice(raw)?))
    }
    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }
}

struct PgTime(Timestamp);

impl<'a> FromSql<'a> for PgTime {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        Ok(Self(match micros {
            i64::MAX => Timestamp::INFINITY,
            _ => Timestamp::from_millis(micros.div_euclid(1000) + EPOCH_2000_MILLIS),
        }))
    }
    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

struct PgDate(Date);

impl<'a> FromSql<'a> for PgDate {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let date = match i32::from_be_bytes(raw.try_into()?) {
            i32::MAX => Some(Date::INFINITY),
            days => days.checked_add(EPOCH_2000_DAYS).and_then(Date::from_days),
        };
        date.map(Self).ok_or_else(|| "a day of no year from 0001 to 9999".into())
    }
    fn accepts(ty: &Type) -> bool {
        *ty == Type::DATE
    }
}

struct PgJson(Json);

impl<'a> FromSql<'a> for PgJson {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let text = match (ty, raw) {
            (&Type::JSONB, [JSONB, text @ ..]) => text,
            (&Type::JSONB, _) => return Err("another version of jsonb".into()),
            _ => raw,
        };
        Json::parse(std::str::from_utf8(text)?).map(Self).ok_or_else(|| "no such JSON".into())
    }
    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::JSON | Type::JSONB)
    }
}
