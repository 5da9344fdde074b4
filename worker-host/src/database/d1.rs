//! D1: a batch is one call of the binding, which runs it in a transaction.

use js_sys::{Array, Object, Uint8Array};
use trireme_core::{
    host::Scope,
    migrations::{Schema, Version},
    sql::{Access, DatabaseError, Statement},
    sqlite::{self, Cell, Row},
};
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use worker::Env;

#[wasm_bindgen]
extern "C" {
    // <https://developers.cloudflare.com/d1/worker-api/>
    type D1Database;
    #[wasm_bindgen(method, catch)]
    fn prepare(this: &D1Database, text: &str) -> Result<D1PreparedStatement, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn batch(this: &D1Database, statements: &Array) -> Result<JsValue, JsValue>;

    type D1PreparedStatement;
    #[wasm_bindgen(method, catch, variadic)]
    fn bind(this: &D1PreparedStatement, arguments: &Array) -> Result<JsValue, JsValue>;

    type D1Result;
    #[wasm_bindgen(method, catch, getter)]
    fn results(this: &D1Result) -> Result<Array, JsValue>;
}

/// The greatest whole number up to which a JavaScript number is exact.
const EXACT: i64 = (1 << 53) - 1;

pub struct D1 {
    env: Env,
    binding: &'static str,
}

impl D1 {
    pub fn new(env: Env, binding: &'static str) -> Self {
        Self { env, binding }
    }

    pub async fn batch<R: From<Row>>(
        &self,
        scope: Scope,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<R>>, DatabaseError> {
        let writes = statements.iter().any(|statement| statement.access == Access::Write);
        let database =
            self.env.d1(self.binding).map_err(|error| DatabaseError::Failed(error.to_string()))?;
        let database: D1Database = JsValue::from(database).unchecked_into();

        let enter = sqlite::enter(scope);
        let prepared = Array::new();
        for statement in enter.iter().chain(statements) {
            prepared.push(&prepare(&database, statement)?);
        }
        let results = database.batch(&prepared).await.map_err(|error| refusal(&error, writes))?;
        let results: Array = results.unchecked_into();
        results.iter().skip(enter.iter().len()).map(|result| rows(&result)).collect()
    }
}

/// Wrangler applies migrations to D1 and keeps its own books: files by their names. What two series
/// call by one name is one file (`trireme migrate --d1`).
pub fn applied(schema: Schema) -> Statement<'static> {
    let mut text = String::from("-- count_migrations\nSELECT count(*) AS applied FROM (VALUES ");
    for (at, (_, Version { name, .. })) in schema.versions().enumerate() {
        text.extend([if at == 0 { "('" } else { ", ('" }, name, ".sql')"]);
    }
    text.push_str(") JOIN d1_migrations ON name = column1");
    Statement::read(text, vec![])
}

fn prepare(database: &D1Database, statement: &Statement<'_>) -> Result<JsValue, DatabaseError> {
    let arguments = Array::new();
    for argument in &statement.arguments {
        arguments.push(&match Cell::from(argument) {
            Cell::Null => JsValue::NULL,
            Cell::Real(number) => JsValue::from(number),
            Cell::Blob(bytes) => Uint8Array::from(&*bytes).into(),
            Cell::Text(text) => JsValue::from(text),
            Cell::Integer(number) if number.abs() <= EXACT => JsValue::from(number as f64),
            Cell::Integer(_) => return Err(inexact()),
        });
    }
    let prepared = database.prepare(&sqlite::question_marks(&statement.text));
    prepared.and_then(|prepared| prepared.bind(&arguments)).map_err(|error| failed(&error))
}

/// D1 gives a row as an object. Its members are in the columns' order, as long as no two of a
/// statement's columns have the same name and none is named by a number.
fn rows<R: From<Row>>(result: &JsValue) -> Result<Vec<R>, DatabaseError> {
    let rows = result.unchecked_ref::<D1Result>().results().map_err(|error| failed(&error))?;
    let row = |row: JsValue| -> Result<R, DatabaseError> {
        let cells = Object::values(row.unchecked_ref());
        let cells = cells.iter().map(|value| cell(&value)).collect::<Result<_, _>>()?;
        Ok(Row(cells).into())
    };
    rows.iter().map(row).collect()
}

fn cell(value: &JsValue) -> Result<Cell, DatabaseError> {
    if value.is_null() {
        return Ok(Cell::Null);
    }
    if let Some(text) = value.as_string() {
        return Ok(Cell::Text(text));
    }
    // A column of 1.0 comes as 1. A whole number that is too great may be another than the one that
    // is stored, and only a column of fractions can be read from it.
    if let Some(number) = value.as_f64() {
        let exact = number.fract() == 0.0 && number.abs() <= EXACT as f64;
        return Ok(if exact { Cell::Integer(number as i64) } else { Cell::Real(number) });
    }
    // Each byte as a number.
    if Array::is_array(value) {
        return Ok(Cell::Blob(Uint8Array::new(value).to_vec()));
    }
    Err(DatabaseError::Failed("D1 gave a value of no kind of SQLite's".to_owned()))
}

fn inexact() -> DatabaseError {
    DatabaseError::Failed("a number is too great to go through D1 unchanged".to_owned())
}

/// What a batch that was sent failed of. SQLite's own words end with its code, and nothing has
/// happened then. Any other error of D1 is one of the platform: the database was moved, reset,
/// overloaded or out of reach.
fn refusal(error: &JsValue, writes: bool) -> DatabaseError {
    let message = message(error);
    if message.contains("SQLITE_") {
        return sqlite::database_error(&message);
    }
    if message.contains("D1_TYPE_ERROR") || error.is_instance_of::<js_sys::TypeError>() {
        return DatabaseError::Failed(message);
    }
    let not_begun = ["overloaded", "Cannot resolve"].iter().any(|words| message.contains(words));
    if writes && !not_begun {
        DatabaseError::OutcomeUnknown(message)
    } else {
        DatabaseError::Unavailable(message)
    }
}

fn failed(error: &impl AsRef<JsValue>) -> DatabaseError {
    DatabaseError::Failed(message(error.as_ref()))
}

fn message(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => error.message().into(),
        None => format!("{error:?}"),
    }
}
