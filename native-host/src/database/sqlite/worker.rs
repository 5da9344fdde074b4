//! What a thread of SQLite does with its connection.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, Statement};
use trireme_core::{
    sql::DatabaseError,
    sqlite::{self, Cell, Row},
};

use super::row::{Bound, cell};

/// Texts that are kept prepared; lists have a text for each choice of filters.
const PREPARED_AT_MOST: usize = 512;

/// A statement that can go to another thread.
pub struct Owned {
    text: Cow<'static, str>,
    arguments: Vec<Cell>,
}

impl From<&trireme_core::sql::Statement<'_>> for Owned {
    fn from(statement: &trireme_core::sql::Statement<'_>) -> Self {
        let arguments = statement.arguments.iter().map(Cell::from).collect();
        Self { text: statement.text.clone(), arguments }
    }
}

/// When the batch that runs has to be over; SQLite asks now and then.
pub struct Deadline {
    base: Instant,
    micros: AtomicU64,
}

impl Deadline {
    pub fn none() -> Arc<Self> {
        Arc::new(Self { base: Instant::now(), micros: AtomicU64::new(u64::MAX) })
    }

    pub fn passed(&self) -> bool {
        let due = self.micros.load(Relaxed);
        due != u64::MAX && self.base.elapsed().as_micros() as u64 >= due
    }

    fn set(&self, limit: Duration) {
        self.micros.store((self.base.elapsed() + limit).as_micros() as u64, Relaxed);
    }

    fn clear(&self) {
        self.micros.store(u64::MAX, Relaxed);
    }
}

/// A connection with its prepared statements.
pub struct Worker<'c> {
    pub connection: &'c Connection,
    prepared: HashMap<Cow<'static, str>, Statement<'c>>,
    deadline: Arc<Deadline>,
}

impl<'c> Worker<'c> {
    pub fn new(connection: &'c Connection, deadline: Arc<Deadline>) -> Self {
        Self { connection, prepared: HashMap::new(), deadline }
    }

    /// Runs all or nothing: waits for other processes until `patience` is over, and takes
    /// `limit` from then on.
    pub fn batch<R: From<Row>>(
        &mut self,
        begin: &'static str,
        statements: &[Owned],
        patience: Instant,
        limit: Duration,
    ) -> Result<Vec<Vec<R>>, DatabaseError> {
        let patience = patience.saturating_duration_since(Instant::now());
        self.connection.busy_timeout(patience).map_err(|error| failure(&error))?;
        self.run(begin)?;
        self.deadline.set(limit);
        let results = statements.iter().map(|statement| self.query(statement)).collect();
        self.deadline.clear();
        match results {
            Ok(rows) => match self.run("COMMIT") {
                Ok(()) => Ok(rows),
                Err(error) => {
                    self.roll_back();
                    Err(error)
                }
            },
            Err(error) => {
                self.roll_back();
                Err(failure(&error))
            }
        }
    }

    /// Ends a transaction that is still open; some errors have ended it already.
    pub fn roll_back(&mut self) {
        if !self.connection.is_autocommit() {
            let _ = self.run("ROLLBACK");
        }
    }

    fn run(&mut self, text: &'static str) -> Result<(), DatabaseError> {
        let statement = Owned { text: Cow::Borrowed(text), arguments: Vec::new() };
        self.query::<Row>(&statement).map(drop).map_err(|error| failure(&error))
    }

    fn query<R: From<Row>>(&mut self, statement: &Owned) -> rusqlite::Result<Vec<R>> {
        if self.prepared.len() >= PREPARED_AT_MOST {
            self.prepared.clear();
        }
        let prepared = match self.prepared.entry(statement.text.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let text = sqlite::question_marks(&statement.text);
                let prepared = self.connection.prepare(&text)?;
                debug_assert!(
                    sqlite::are_distinct(&prepared.column_names().collect::<Vec<_>>()),
                    "D1 gives rows by their columns' names: {text}"
                );
                new.insert(prepared)
            }
        };
        let (given, due) = (statement.arguments.len(), prepared.parameter_count());
        if given != due {
            return Err(rusqlite::Error::InvalidParameterCount(given, due));
        }
        for (number, argument) in (1..).zip(&statement.arguments) {
            prepared.raw_bind_parameter::<usize, _>(number, Bound(argument))?;
        }
        let columns = prepared.column_count();
        let mut found = Vec::new();
        let mut rows = prepared.raw_query();
        while let Some(row) = rows.next()? {
            let values = (0..columns)
                .map(|column| cell(row.get_ref(column)?))
                .collect::<rusqlite::Result<_>>()?;
            found.push(Row(values).into());
        }
        drop(rows);
        // Arguments may be secrets: they are not kept.
        prepared.clear_bindings();
        Ok(found)
    }
}

/// An error of SQLite in our terms.
pub fn failure(error: &rusqlite::Error) -> DatabaseError {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => {
            DatabaseError::TimedOut("interrupted at the statement timeout".to_owned())
        }
        // Other processes, a disk that is full or gone: later it may do.
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen,
        ) => DatabaseError::Unavailable(error.to_string()),
        _ => sqlite::database_error(&error.to_string()),
    }
}
