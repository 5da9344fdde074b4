//! SQLite by rusqlite, called in a loop on the request's own thread: the file is Trireme's, and so
//! are the settings.

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, Result, params};
use trireme_core::sqlite::question_marks;
use uuid::Uuid;

use crate::respond::encode;
use crate::route::{Manner, Route};
use crate::statements::{Sql, enter_on_sqlite};
use crate::task::Task;

pub struct Sqlite {
    connection: Connection,
    enter: String,
    get: String,
    get_alone: String,
}

impl Sqlite {
    pub fn open(file: &str) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(Self {
            connection,
            enter: question_marks(&enter_on_sqlite()),
            get: question_marks(&Sql::Get.text()),
            get_alone: question_marks(&Sql::GetAlone.text()),
        })
    }

    /// The task as JSON; `None` when there is no such task.
    pub fn get(&self, route: &Route, id: Uuid) -> Result<Option<Bytes>> {
        if route.manner == Manner::Plain {
            return self.task(&self.get_alone, route.user, id);
        }
        self.run("BEGIN")?;
        let (user, session) = (route.user.to_string(), route.session.to_string());
        let mut enter = self.connection.prepare_cached(&self.enter)?;
        enter.query_row(params![session, user], |_| Ok(()))?;
        let task = self.task(&self.get, route.user, id)?;
        self.run("COMMIT")?;
        Ok(task)
    }

    fn run(&self, text: &str) -> Result<()> {
        self.connection.prepare_cached(text)?.execute([]).map(drop)
    }

    fn task(&self, text: &str, user: Uuid, id: Uuid) -> Result<Option<Bytes>> {
        let mut statement = self.connection.prepare_cached(text)?;
        let mut rows = statement.query(params![user.to_string(), id.to_string()])?;
        let task = rows.next()?.map(Task::of_sqlite).transpose()?;
        Ok(task.map(|task| encode(&task)))
    }
}
