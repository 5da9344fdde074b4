//! SQLite: a thread that writes and some that read, over one file in WAL mode, so that reading
//! never waits for writing.

pub mod file;
mod lane;
mod row;
pub mod worker;

use std::{
    fmt, io,
    num::NonZero,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use trireme_core::{
    host::Scope,
    sql::{Access, DatabaseError, Statement},
    sqlite::{self, Row},
};

use self::{
    lane::Lane,
    worker::{Deadline, Owned, Worker},
};
use super::stats::{Meter, Stats};

/// Steps of SQLite's machine between two looks at the clock: some tens of microseconds.
const STEPS: i32 = 4_000;

/// Cheap to clone; all clones are the same connections.
#[derive(Clone)]
pub struct Sqlite(Arc<Inner>);

struct Inner {
    /// `None` in memory, where every connection would have a database of its own.
    readers: Option<Lane>,
    /// Ends after the readers: of several that close at once none is the last, which clears the log
    /// beside the file away.
    writer: Lane,
    connections: usize,
    limits: Limits,
    meter: Arc<Meter>,
}

#[derive(Clone, Copy)]
struct Limits {
    acquire: Duration,
    statement: Duration,
}

/// A file that can't be used as a database.
#[derive(Debug)]
pub struct FileError {
    path: PathBuf,
    cause: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the SQLite file {} can't be used: {}", self.path.display(), self.cause)
    }
}
impl std::error::Error for FileError {}

impl Sqlite {
    /// Opens the file at `path`, and makes it and its folders if they are not there.
    /// `:memory:` is a database that ends with this value.
    pub fn open(path: &str, config: &trireme_core::config::Database) -> Result<Self, FileError> {
        let limits =
            Limits { acquire: config.acquire_timeout, statement: config.statement_timeout };
        Self::try_open(Path::new(path), limits)
            .map_err(|cause| FileError { path: path.into(), cause })
    }

    fn try_open(path: &Path, limits: Limits) -> Result<Self, String> {
        let in_memory = path == Path::new(":memory:");
        if !in_memory {
            file::prepare(path)?;
        }
        let readers = match thread::available_parallelism() {
            _ if in_memory => 0,
            cores => cores.map_or(2, NonZero::get).clamp(2, 4),
        };
        let meter = Arc::<Meter>::default();
        let start = |name: &str, connections| {
            Lane::start(name, connections, Arc::clone(&meter))
                .map_err(|error: io::Error| error.to_string())
        };
        // The writer's first: it creates the file and sets its mode.
        let writer = connect(path, limits.acquire, false).map_err(|error| error.to_string())?;
        let reading = (0..readers)
            .map(|_| connect(path, limits.acquire, true))
            .collect::<rusqlite::Result<Vec<_>>>()
            .map_err(|error| error.to_string())?;
        Ok(Self(Arc::new(Inner {
            writer: start("sqlite-writer", vec![writer])?,
            readers: if in_memory { None } else { Some(start("sqlite-reader", reading)?) },
            connections: 1 + readers,
            limits,
            meter,
        })))
    }

    pub async fn batch<R: From<Row> + Send + 'static>(
        &self,
        scope: Scope,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<R>>, DatabaseError> {
        let enter = sqlite::enter(scope);
        let reads = statements.iter().all(|statement| statement.access == Access::Read);
        let (lane, begin) = match &self.0.readers {
            Some(readers) if reads => (readers, "BEGIN"),
            _ if reads => (&self.0.writer, "BEGIN"),
            // Never to be refused half way because another process has written meanwhile.
            _ => (&self.0.writer, "BEGIN IMMEDIATE"),
        };
        let owned: Vec<_> = enter.iter().chain(statements).map(Owned::from).collect();
        let limits = self.0.limits;
        let patience = Instant::now() + limits.acquire;
        let run =
            move |worker: &mut Worker<'_>| worker.batch(begin, &owned, patience, limits.statement);
        let mut rows = lane.run(limits.acquire, run).await??;
        if enter.is_some() {
            rows.remove(0);
        }
        Ok(rows)
    }

    /// Lends out the connection that writes.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> T + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let run = |worker: &mut Worker<'_>| work(worker.connection);
        self.0.writer.run(self.0.limits.acquire, run).await
    }

    /// How long a connection waits for another process.
    pub fn busy_timeout(&self) -> Duration {
        self.0.limits.acquire
    }

    pub fn meter(&self) -> &Meter {
        &self.0.meter
    }

    pub fn stats(&self) -> Stats {
        let connections = self.0.connections;
        let busy = self.0.meter.busy.load(Relaxed);
        self.0.meter.read(connections, connections.saturating_sub(busy))
    }
}

fn connect(
    path: &Path,
    busy: Duration,
    read_only: bool,
) -> rusqlite::Result<(Connection, Arc<Deadline>)> {
    // Each connection stays on one thread, so SQLite needs no locks of its own.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy)?;
    // "text" in double quotes is a name or an error here, as on PostgreSQL.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    // `memory` in memory. In WAL mode a commit needs no flush to stand up to a crash of the
    // process, and a power failure costs the last commits, not the file.
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "query_only", read_only)?;
    let deadline = Deadline::none();
    let asked = Arc::clone(&deadline);
    connection.progress_handler(STEPS, Some(move || asked.passed()))?;
    Ok((connection, deadline))
}
