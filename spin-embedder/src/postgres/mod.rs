//! `spin:postgres`: what Spin's host does between a component and tokio-postgres.
#![expect(clippy::result_large_err, reason = "the interface's error has all that the server says")]

mod pool;
mod query;
mod values;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::sync::{mpsc, oneshot};
use wasmtime::Result;
use wasmtime::component::{Accessor, FutureReader, HasData, Resource, StreamReader};

use crate::bindings::spin::postgres::postgres::{
    Column, Error, Host, HostConnection, HostConnectionBuilder, HostConnectionBuilderWithStore,
    HostConnectionWithStore, ParameterValue, Row, RowSet,
};
use crate::store::State;
use crate::streams::FromChannel;
pub use pool::{Connection, Pools};

/// An address, and perhaps the certificate of an authority of one's own, in PEM.
#[derive(Clone)]
pub struct ConnectionBuilder {
    address: String,
    authority: Option<String>,
}

pub struct Interface;

impl HasData for Interface {
    type Data<'a> = &'a mut State;
}

type Rows = (Vec<Column>, StreamReader<Row>, FutureReader<Result<(), Error>>);

impl State {
    fn connection(&self, handle: &Resource<Connection>) -> Result<Connection> {
        Ok(self.postgres.get(handle)?.clone())
    }

    fn push_connection(&mut self, connection: Connection) -> Result<Resource<Connection>, Error> {
        let full = |_| Error::ConnectionFailed("too many connections".to_owned());
        self.postgres.push(connection).map_err(full)
    }

    async fn open_connection(
        &mut self,
        address: &str,
        authority: Option<&str>,
    ) -> Result<Resource<Connection>, Error> {
        let connection = self.app.postgres.open(address, authority).await?;
        self.push_connection(connection)
    }
}

impl Host for State {}

impl HostConnection for State {
    async fn open(&mut self, address: String) -> Result<Result<Resource<Connection>, Error>> {
        Ok(self.open_connection(&address, None).await)
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Result<Result<u64, Error>> {
        Ok(query::execute(&self.connection(&connection)?, &statement, &parameters).await)
    }

    async fn query(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Result<Result<RowSet, Error>> {
        Ok(query::query(&self.connection(&connection)?, &statement, &parameters).await)
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> Result<()> {
        self.postgres.delete(connection)?;
        Ok(())
    }
}

impl<T: Send> HostConnectionWithStore<T> for Interface {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        address: String,
    ) -> Result<Result<Resource<Connection>, Error>> {
        Ok(open(accessor, &address, None).await)
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Result<Result<u64, Error>> {
        let connection = accessor.with(|mut it| it.get().connection(&connection))?;
        Ok(query::execute(&connection, &statement, &parameters).await)
    }

    async fn query_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Result<Result<Rows, Error>> {
        let connection = accessor.with(|mut it| it.get().connection(&connection))?;
        match query::stream(&connection, &statement, &parameters).await {
            Ok((columns, rows, outcome)) => hand_over(accessor, columns, rows, outcome).map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }
}

async fn open<T: Send>(
    accessor: &Accessor<T, Interface>,
    address: &str,
    authority: Option<&str>,
) -> Result<Resource<Connection>, Error> {
    let app = accessor.with(|mut it| it.get().app.clone());
    let connection = app.postgres.open(address, authority).await?;
    accessor.with(|mut it| it.get().push_connection(connection))
}

fn hand_over<T: Send>(
    accessor: &Accessor<T, Interface>,
    columns: Vec<Column>,
    rows: mpsc::Receiver<Row>,
    outcome: oneshot::Receiver<Result<(), Error>>,
) -> Result<Rows> {
    accessor.with(|mut it| {
        let rows = StreamReader::new(&mut it, FromChannel(rows))?;
        let outcome = FutureReader::new(&mut it, outcome)?;
        Ok((columns, rows, outcome))
    })
}

impl HostConnectionBuilder for State {
    async fn new(&mut self, address: String) -> Result<Resource<ConnectionBuilder>> {
        Ok(self.postgres.push(ConnectionBuilder { address, authority: None })?)
    }

    async fn set_ca_root(
        &mut self,
        builder: Resource<ConnectionBuilder>,
        certificate: String,
    ) -> Result<Result<(), Error>> {
        if let Err(error) = CertificateDer::from_pem_slice(certificate.as_bytes()) {
            return Ok(Err(Error::Other(format!("invalid root certificate: {error}"))));
        }
        self.postgres.get_mut(&builder)?.authority = Some(certificate);
        Ok(Ok(()))
    }

    async fn build(
        &mut self,
        builder: Resource<ConnectionBuilder>,
    ) -> Result<Result<Resource<Connection>, Error>> {
        let builder = self.postgres.get(&builder)?.clone();
        Ok(self.open_connection(&builder.address, builder.authority.as_deref()).await)
    }

    async fn drop(&mut self, builder: Resource<ConnectionBuilder>) -> Result<()> {
        self.postgres.delete(builder)?;
        Ok(())
    }
}

impl<T: Send> HostConnectionBuilderWithStore<T> for Interface {
    async fn build_async(
        accessor: &Accessor<T, Self>,
        builder: Resource<ConnectionBuilder>,
    ) -> Result<Result<Resource<Connection>, Error>> {
        let builder = accessor.with(|mut it| it.get().postgres.get(&builder).cloned())?;
        Ok(open(accessor, &builder.address, builder.authority.as_deref()).await)
    }
}
