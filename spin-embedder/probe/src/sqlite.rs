//! `sqlite-open LABEL`, `sqlite STATEMENT`; `sqlite-forget` drops the result unread.

use spin_sdk::sqlite::Connection;

use crate::Session;

impl Session {
    pub async fn open_sqlite(&mut self, label: &str) {
        match Connection::open(label).await {
            Ok(connection) => self.sqlite = Some(connection),
            Err(error) => self.say(format_args!("{error:?}")),
        }
    }

    pub async fn sqlite(&mut self, command: &str, statement: &str) {
        let Some(connection) = self.sqlite.take() else { return self.say("not open") };
        match connection.execute(statement, []).await {
            Ok(_) if command == "sqlite-forget" => self.say("forgotten"),
            Ok(result) => {
                let columns = result.columns().join(", ");
                let rows = result.collect().await;
                let changes = connection.changes().await;
                self.say(format_args!("columns {columns} rows {rows:?} changes {changes}"));
            }
            Err(error) => self.say(format_args!("{error:?}")),
        }
        self.sqlite = Some(connection);
    }
}
