//! Statements. Each is prepared anew; what fails after that, a violated constraint for one, comes as
//! [`execute`]'s error, but with [`stream`] only after the rows.

use std::pin::pin;

use futures_util::TryStreamExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::RowStream;
use tokio_postgres::error::DbError as ServerError;
use tokio_postgres::types::ToSql;

use super::Connection;
use super::values::{self, SqlParameter};
use crate::bindings::spin::postgres::postgres::{
    Column, DbError, DbValue, Error, ParameterValue, QueryError, Row, RowSet,
};
use crate::streams::READ_AHEAD;

/// Of a whole result when it is handed over at once, otherwise of one row.
const LIMIT: usize = 128 << 20;

pub type Stream = (Vec<Column>, mpsc::Receiver<Row>, oneshot::Receiver<Result<(), Error>>);

pub async fn execute(
    connection: &Connection,
    statement: &str,
    parameters: &[ParameterValue],
) -> Result<u64, Error> {
    let parameters = convert(parameters).map_err(Error::ValueConversionFailed)?;
    let parameters: Vec<&(dyn ToSql + Sync)> =
        parameters.iter().map(|it| it.as_ref() as _).collect();
    connection.client().execute(statement, &parameters).await.map_err(failed)
}

pub async fn query(
    connection: &Connection,
    statement: &str,
    parameters: &[ParameterValue],
) -> Result<RowSet, Error> {
    let mut stream = pin!(start(connection, statement, parameters).await?);
    let mut result = RowSet { columns: Vec::new(), rows: Vec::new() };
    let mut size = size_of::<RowSet>();
    // As in Spin, what the server says about rows loses its structure here.
    let flat = |error: Error| text(format!("{error:?}"));
    while let Some(row) = stream.try_next().await.map_err(failed).map_err(flat)? {
        let values = values::row(&row).map_err(|error| flat(text(format!("{error:?}"))))?;
        size += values.iter().map(memory).sum::<usize>();
        if size > LIMIT {
            return Err(too_large());
        }
        if result.rows.is_empty() {
            result.columns = values::columns(&row);
        }
        result.rows.push(values);
    }
    Ok(result)
}

/// Columns are those of the first row, hence none where there is none.
pub async fn stream(
    connection: &Connection,
    statement: &str,
    parameters: &[ParameterValue],
) -> Result<Stream, Error> {
    let rows = start(connection, statement, parameters).await?;
    let (columns, first) = oneshot::channel();
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    let (done, outcome) = oneshot::channel();
    tokio::spawn(async move {
        let result = send_all(rows, columns, sender).await;
        let _ = done.send(result);
    });
    Ok((first.await.unwrap_or_default(), receiver, outcome))
}

async fn send_all(
    rows: RowStream,
    columns: oneshot::Sender<Vec<Column>>,
    sender: mpsc::Sender<Row>,
) -> Result<(), Error> {
    let mut rows = pin!(rows);
    let mut columns = Some(columns);
    loop {
        let row = tokio::select! {
            biased;
            () = sender.closed() => return Ok(()),
            row = rows.try_next() => row.map_err(failed)?,
        };
        let Some(row) = row else { return Ok(()) };
        if let Some(columns) = columns.take() {
            let _ = columns.send(values::columns(&row));
        }
        let values = values::row(&row).map_err(|error| text(format!("{error:?}")))?;
        if values.iter().map(memory).sum::<usize>() > LIMIT {
            return Err(too_large());
        }
        sender.send(values).await.map_err(|error| text(format!("async error: {error}")))?;
    }
}

async fn start(
    connection: &Connection,
    statement: &str,
    parameters: &[ParameterValue],
) -> Result<RowStream, Error> {
    let parameters = convert(parameters).map_err(Error::BadParameter)?;
    connection.client().query_raw(statement, parameters).await.map_err(failed)
}

fn convert(parameters: &[ParameterValue]) -> Result<Vec<SqlParameter>, String> {
    let converted: wasmtime::Result<_> = parameters.iter().map(values::parameter).collect();
    converted.map_err(|error| format!("{error:?}"))
}

fn failed(error: tokio_postgres::Error) -> Error {
    let as_text = format!("{error:?}");
    match error.as_db_error() {
        None => text(as_text),
        Some(server) => Error::QueryFailed(QueryError::DbError(DbError {
            as_text,
            severity: server.severity().to_owned(),
            code: server.code().code().to_owned(),
            message: server.message().to_owned(),
            detail: server.detail().map(ToOwned::to_owned),
            extras: extras(server),
        })),
    }
}

fn extras(error: &ServerError) -> Vec<(String, String)> {
    let line = error.line().map(|it| it.to_string());
    [
        ("column", error.column()),
        ("constraint", error.constraint()),
        ("routine", error.routine()),
        ("hint", error.hint()),
        ("table", error.table()),
        ("datatype", error.datatype()),
        ("schema", error.schema()),
        ("file", error.file()),
        ("line", line.as_deref()),
        ("where_", error.where_()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
    .collect()
}

fn text(text: String) -> Error {
    Error::QueryFailed(QueryError::Text(text))
}

fn too_large() -> Error {
    text(format!("query result exceeds limit of {LIMIT} bytes"))
}

fn memory(value: &DbValue) -> usize {
    let more = match value {
        DbValue::Str(it) | DbValue::Uuid(it) | DbValue::Decimal(it) => it.len(),
        DbValue::Binary(it) | DbValue::Jsonb(it) | DbValue::Unsupported(it) => it.len(),
        DbValue::ArrayInt32(it) => size_of_val(it.as_slice()),
        DbValue::ArrayInt64(it) => size_of_val(it.as_slice()),
        DbValue::ArrayStr(it) | DbValue::ArrayDecimal(it) => {
            size_of_val(it.as_slice()) + it.iter().flatten().map(String::len).sum::<usize>()
        }
        _ => 0,
    };
    size_of::<DbValue>() + more
}
