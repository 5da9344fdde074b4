use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use rustix::process::Signal;

use crate::access::{Access, OWNER};
use crate::child::{Child, service_command};
use crate::{Error, Folder, Postgres, Result, find_program, port};

const START_TIMEOUT: Duration = Duration::from_secs(10);

/// For how long a client keeps a connection to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    Session,
    Transaction,
    Statement,
}

/// PgBouncer before a [`Postgres`], for the role that owns the tests' databases. It is
/// configured as it comes, so it refuses start-up parameters that it does not know, and
/// Debian's 1.18 knows no prepared statements: what gets by here gets by everywhere.
///
/// The fields drop in this order: the process ends before its folder goes.
pub struct PgBouncer {
    child: Option<Child>,
    access: Access,
    folder: Folder,
}

impl PgBouncer {
    /// `pool_size` is the number of connections to the server for each database and user.
    pub fn start(postgres: &Postgres, mode: PoolMode, pool_size: u32) -> Result<Self> {
        let upstream = postgres.access();
        let access = Access { port: port::free()?, host: "127.0.0.1".into(), ..upstream.clone() };
        let folder = Folder::for_service()?;
        let users = [OWNER, &access.superuser]
            .map(|user| format!("\"{user}\" \"{}\"\n", access.password))
            .concat();
        folder.write_private("users.txt", &users)?;
        folder.write_private(
            "pgbouncer.ini",
            &configuration(upstream, &access, &folder, mode, pool_size),
        )?;
        let mut bouncer = Self { child: None, access, folder };
        bouncer.start_again()?;
        Ok(bouncer)
    }

    /// Drops every connection at once; the port stays its own.
    pub fn stop(&mut self) -> Result<()> {
        let mut child = self
            .child
            .take()
            .ok_or_else(|| Error::Failed("PgBouncer is stopped already".into()))?;
        child.end(Signal::TERM).map(drop)
    }

    /// Starts a stopped PgBouncer on the same port, and waits for it.
    pub fn start_again(&mut self) -> Result<()> {
        if self.child.is_some() {
            return Err(Error::Failed("PgBouncer runs already; stop it first".into()));
        }
        let (log, out, err) = self.folder.log("pgbouncer.log")?;
        let mut command = service_command(&find_program("pgbouncer")?, self.folder.path())?;
        command.arg("pgbouncer.ini").stdout(out).stderr(err);
        let mut child = Child::spawn("PgBouncer", command, Signal::TERM)?;
        child.wait_until_ready(START_TIMEOUT, &log, || {
            let connected = TcpStream::connect((Ipv4Addr::LOCALHOST, self.access.port));
            connected.map(drop).map_err(|error| error.to_string())
        })?;
        self.child = Some(child);
        Ok(())
    }

    pub fn port(&self) -> u16 {
        self.access.port
    }

    /// For the role that owns the tests' databases.
    pub fn url(&self, database: &str) -> String {
        self.access.url(OWNER, database)
    }

    /// Runs SQL through it as that role, and returns what psql printed.
    pub fn run(&self, database: &str, sql: &str) -> Result<String> {
        self.access.psql(OWNER, database, sql)
    }
}

fn configuration(
    upstream: &Access,
    own: &Access,
    folder: &Folder,
    mode: PoolMode,
    pool_size: u32,
) -> String {
    let mode = match mode {
        PoolMode::Session => "session",
        PoolMode::Transaction => "transaction",
        PoolMode::Statement => "statement",
    };
    format!(
        "[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = {listen_addr}
listen_port = {listen_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
server_tls_sslmode = prefer
pool_mode = {mode}
default_pool_size = {pool_size}
max_client_conn = 1000
",
        host = upstream.host,
        port = upstream.port,
        listen_addr = own.host,
        listen_port = own.port,
        folder = folder.path().display(),
    )
}
