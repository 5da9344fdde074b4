//! `spin:sqlite` over files. Every `open` is a connection of its own, which SQLite opens when it is first
//! used and closes, rolling back, when the component drops it. So a transaction of one request never
//! reaches another's statements; what they share are the file's locks, waited for up to rusqlite's five
//! seconds.

mod connection;

use wasmtime::Result;
use wasmtime::component::{Accessor, FutureReader, HasData, Resource, StreamReader};

use crate::bindings::spin::sqlite::sqlite::{
    Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value,
};
use crate::store::State;
use crate::streams::FromChannel;
pub use connection::{Connection, Databases};
use connection::{changes, last_insert_rowid, query, stream};

pub struct Interface;

impl HasData for Interface {
    type Data<'a> = &'a mut State;
}

type Rows = (Vec<String>, StreamReader<RowResult>, FutureReader<Result<(), Error>>);

impl State {
    fn open_sqlite(&mut self, label: &str) -> Result<Resource<Connection>, Error> {
        let connection = self.app.sqlite.open(label)?;
        let full = |_| Error::Io("too many connections opened".to_owned());
        self.sqlite.push(connection).map_err(full)
    }

    fn sqlite_connection(&self, handle: &Resource<Connection>) -> Result<Connection> {
        Ok(self.sqlite.get(handle)?.clone())
    }
}

impl Host for State {}

impl HostConnection for State {
    async fn open(&mut self, label: String) -> Result<Result<Resource<Connection>, Error>> {
        Ok(self.open_sqlite(&label))
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<Result<QueryResult, Error>> {
        Ok(query(self.sqlite_connection(&connection)?, statement, parameters).await)
    }

    async fn last_insert_rowid(&mut self, connection: Resource<Connection>) -> Result<i64> {
        last_insert_rowid(&self.sqlite_connection(&connection)?)
    }

    async fn changes(&mut self, connection: Resource<Connection>) -> Result<u64> {
        changes(&self.sqlite_connection(&connection)?)
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> Result<()> {
        self.sqlite.delete(connection)?;
        Ok(())
    }
}

impl<T: Send> HostConnectionWithStore<T> for Interface {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> Result<Result<Resource<Connection>, Error>> {
        Ok(accessor.with(|mut it| it.get().open_sqlite(&label)))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<Result<Rows, Error>> {
        let connection = accessor.with(|mut it| it.get().sqlite_connection(&connection))?;
        let (columns, rows, outcome) = match stream(&connection, statement, parameters).await {
            Ok(stream) => stream,
            Err(error) => return Ok(Err(error)),
        };
        accessor.with(|mut it| {
            let rows = StreamReader::new(&mut it, FromChannel(rows))?;
            let outcome = FutureReader::new(&mut it, outcome)?;
            Ok(Ok((columns, rows, outcome)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
    ) -> Result<i64> {
        last_insert_rowid(&accessor.with(|mut it| it.get().sqlite_connection(&connection))?)
    }

    async fn changes_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
    ) -> Result<u64> {
        changes(&accessor.with(|mut it| it.get().sqlite_connection(&connection))?)
    }
}
