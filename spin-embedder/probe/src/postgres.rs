//! `open ADDRESS`, `execute STATEMENT | PARAMETER | ...`, `query ...`; a parameter is `i32:1`,
//! `i64:1`, `str:a`, `uuid:...`, `timestamp:0` or `null`.

use spin_sdk::pg::{Connection, Error, ParameterValue, PgError, QueryError};

use crate::Session;

impl Session {
    /// Without an address: the one of the variable `database_url`.
    pub async fn open_postgres(&mut self, address: &str) {
        let address = match address {
            "" => spin_sdk::variables::get("database_url").await.unwrap_or_default(),
            address => address.to_owned(),
        };
        match Connection::open(address).await {
            Ok(connection) => self.postgres = Some(connection),
            Err(error) => self.say(describe(&error)),
        }
    }

    pub async fn postgres(&mut self, command: &str, text: &str) {
        let mut parts = text.split(" | ");
        let statement = parts.next().unwrap_or_default();
        let parameters: Vec<_> = parts.map(parameter).collect();
        let Some(connection) = self.postgres.take() else { return self.say("not open") };
        if command == "execute" {
            match connection.execute(statement, parameters).await {
                Ok(count) => self.say(format_args!("changed {count}")),
                Err(error) => self.say(describe(&error)),
            }
        } else {
            match connection.query(statement, parameters).await {
                Ok(result) => self.rows(result).await,
                Err(error) => self.say(describe(&error)),
            }
        }
        self.postgres = Some(connection);
    }

    async fn rows(&mut self, mut result: spin_sdk::pg::QueryResult) {
        let columns: Vec<_> =
            result.columns().iter().map(|it| format!("{} {:?}", it.name, it.data_type)).collect();
        self.say(format_args!("columns {}", columns.join(", ")));
        while let Some(row) = result.rows().next().await {
            self.say(format_args!("row {row:?}"));
        }
        if let Err(error) = result.result().await {
            self.say(format_args!("at the end: {}", describe(&error)));
        }
    }
}

fn parameter(text: &str) -> ParameterValue {
    let (kind, value) = text.split_once(':').unwrap_or((text, ""));
    match kind {
        "i32" => ParameterValue::Int32(value.parse().unwrap_or_default()),
        "i64" => ParameterValue::Int64(value.parse().unwrap_or_default()),
        "timestamp" => ParameterValue::Timestamp(value.parse().unwrap_or_default()),
        "uuid" => ParameterValue::Uuid(value.to_owned()),
        "jsonb" => ParameterValue::Jsonb(value.into()),
        "null" => ParameterValue::DbNull,
        _ => ParameterValue::Str(value.to_owned()),
    }
}

fn describe(error: &Error) -> String {
    match error {
        Error::PgError(PgError::QueryFailed(QueryError::DbError(it))) => {
            let constraint = it.extras.iter().find(|(name, _)| name == "constraint");
            format!("{} {} {}", it.code, it.message, constraint.map_or("", |(_, name)| name))
        }
        Error::PgError(PgError::QueryFailed(QueryError::Text(it))) => format!("failed: {it}"),
        other => format!("{other:?}"),
    }
}
