//! Files, connections and statements, without the component's side of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::{Value as SqlValue, ValueRef};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use wasmtime::{Result, ensure};

use crate::bindings::spin::sqlite::sqlite::{Error, QueryResult, RowResult, Value};
use crate::streams::READ_AHEAD;

/// Of a whole result when it is handed over at once, otherwise of one row.
const LIMIT: usize = 128 << 20;

/// What Spin uses for the label `default` when nothing else is configured; next to the manifest.
const DEFAULT_FILE: &str = ".spin/sqlite_db.db";

/// A file for each label that the component may open.
pub struct Databases(BTreeMap<String, PathBuf>);

impl Databases {
    pub fn new(labels: &[String], given: &[(String, PathBuf)], folder: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        for label in labels {
            let file = given.iter().rfind(|(it, _)| it == label).map(|(_, file)| file.clone());
            ensure!(
                file.is_some() || label == "default",
                "the database {label:?} is not defined; give its file by --sqlite {label}=FILE"
            );
            let file = file.unwrap_or_else(|| folder.join(DEFAULT_FILE));
            if let Some(parent) = file.parent() {
                std::fs::create_dir_all(parent)?;
            }
            files.insert(label.clone(), file);
        }
        Ok(Self(files))
    }

    pub fn open(&self, label: &str) -> Result<Connection, Error> {
        let file = self.0.get(label).ok_or(Error::AccessDenied)?;
        Ok(Connection { file: file.as_path().into(), opened: Arc::default() })
    }
}

type Shared = Arc<Mutex<rusqlite::Connection>>;

#[derive(Clone)]
pub struct Connection {
    file: Arc<Path>,
    opened: Arc<OnceLock<Shared>>,
}

impl Connection {
    fn get(&self) -> Result<Shared, Error> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened.clone());
        }
        let mut connection = rusqlite::Connection::open(&self.file).map_err(failed)?;
        connection.authorizer(Some(no_attached_files)).map_err(failed)?;
        Ok(self.opened.get_or_init(|| Arc::new(Mutex::new(connection))).clone())
    }
}

fn no_attached_files(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Attach { filename } if !matches!(filename, "" | ":memory:") => {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    }
}

fn failed(error: rusqlite::Error) -> Error {
    Error::Io(error.to_string())
}

/// Poisoned when a text that is not UTF-8 made the thread panic that held it; every further use of the
/// connection then fails, in Spin too.
fn lock(
    connection: &Mutex<rusqlite::Connection>,
) -> Result<MutexGuard<'_, rusqlite::Connection>, Error> {
    connection.lock().map_err(|it| Error::Io(it.to_string()))
}

/// Hands over each row as it is read. The connection is locked until the last, or until nobody wants more.
fn run(
    connection: &Mutex<rusqlite::Connection>,
    statement: &str,
    parameters: Vec<Value>,
    columns: impl FnOnce(Vec<String>),
    mut row: impl FnMut(RowResult) -> Result<(), Error>,
) -> Result<(), Error> {
    let connection = lock(connection)?;
    // Spin's rusqlite runs the first statement of several and says nothing of the others; this one
    // refuses them, which is the better behaviour of a test.
    let mut statement = connection.prepare_cached(statement).map_err(failed)?;
    columns(statement.column_names().map(ToOwned::to_owned).collect());
    let count = statement.column_count();
    let parameters = rusqlite::params_from_iter(parameters.into_iter().map(bind));
    let mut rows = statement.query(parameters).map_err(failed)?;
    while let Some(read) = rows.next().map_err(failed)? {
        let values = (0..count).map(|it| read.get_ref(it).map(value)).collect::<Result<_, _>>();
        row(RowResult { values: values.map_err(failed)? })?;
    }
    Ok(())
}

fn bind(value: Value) -> SqlValue {
    match value {
        Value::Integer(it) => SqlValue::Integer(it),
        Value::Real(it) => SqlValue::Real(it),
        Value::Text(it) => SqlValue::Text(it),
        Value::Blob(it) => SqlValue::Blob(it),
        Value::Null => SqlValue::Null,
    }
}

fn value(read: ValueRef<'_>) -> Value {
    match read {
        ValueRef::Integer(it) => Value::Integer(it),
        ValueRef::Real(it) => Value::Real(it),
        ValueRef::Text(it) => {
            Value::Text(String::from_utf8(it.to_vec()).expect("a text in SQLite is UTF-8"))
        }
        ValueRef::Blob(it) => Value::Blob(it.to_vec()),
        ValueRef::Null => Value::Null,
    }
}

fn memory(row: &RowResult) -> usize {
    let one = |value: &Value| match value {
        Value::Text(it) => it.len(),
        Value::Blob(it) => it.len(),
        _ => 0,
    };
    row.values.iter().map(|it| size_of::<Value>() + one(it)).sum()
}

fn too_large() -> Error {
    Error::Io(format!("query result exceeds limit of {LIMIT} bytes"))
}

pub async fn query(
    connection: Connection,
    statement: String,
    parameters: Vec<Value>,
) -> Result<QueryResult, Error> {
    let connection = connection.get()?;
    let work = move || {
        let mut result = QueryResult { columns: Vec::new(), rows: Vec::new() };
        let mut size = size_of::<QueryResult>();
        let columns = |it| result.columns = it;
        run(&connection, &statement, parameters, columns, |row| {
            size += memory(&row);
            result.rows.push(row);
            if size > LIMIT { Err(too_large()) } else { Ok(()) }
        })?;
        Ok(result)
    };
    spawn_blocking(work).await.map_err(|it| Error::Io(it.to_string()))?
}

pub type Stream = (Vec<String>, mpsc::Receiver<RowResult>, oneshot::Receiver<Result<(), Error>>);

/// Errors of the statement come after the rows, even that it can't be parsed: then there are no columns.
pub async fn stream(
    connection: &Connection,
    statement: String,
    parameters: Vec<Value>,
) -> Result<Stream, Error> {
    let connection = connection.get()?;
    let (columns, read) = oneshot::channel();
    let (sender, rows) = mpsc::channel(READ_AHEAD);
    let (done, outcome) = oneshot::channel();
    spawn_blocking(move || {
        let columns = |it| drop(columns.send(it));
        let result = run(&connection, &statement, parameters, columns, |row| {
            if memory(&row) > LIMIT {
                return Err(too_large());
            }
            sender.blocking_send(row).map_err(|_| Error::Io("row send error".to_owned()))
        });
        let _ = done.send(result);
    });
    Ok((read.await.unwrap_or_default(), rows, outcome))
}

pub fn last_insert_rowid(connection: &Connection) -> Result<i64> {
    Ok(lock(&*connection.get()?)?.last_insert_rowid())
}

pub fn changes(connection: &Connection) -> Result<u64> {
    Ok(lock(&*connection.get()?)?.changes())
}
