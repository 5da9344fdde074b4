use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::access::{Access, OWNER};
use crate::child::{Child, service_command};
use crate::folder::random_password;
use crate::tls::Certificates;
use crate::{Error, Folder, Result, find_program, port};

/// Names a running server by a superuser's URL; [`Postgres::shared`] uses it instead of
/// starting one. `cargo xtask test` sets it, so that all test processes share one server.
pub const SHARED_POSTGRES: &str = "TRIREME_TEST_POSTGRES";

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A PostgreSQL server on 127.0.0.1.
pub struct Postgres {
    access: Access,
    /// `None` when somebody else runs it.
    running: Option<Running>,
}

/// How [`Postgres::stop`] stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Rolls back what is open, closes connections, writes a checkpoint.
    Fast,
    /// Drops everything, as a crash would; the next start replays the log.
    Immediate,
}

#[derive(Clone, Debug, Default)]
pub struct PostgresOptions {
    /// Refuse connections over TCP without TLS; see [`Postgres::authority`].
    pub tls: bool,
    /// More of postgresql.conf; the last of a name counts.
    pub settings: Vec<(String, String)>,
}

impl Postgres {
    /// The server that all tests of this process share: the one of [`SHARED_POSTGRES`], or
    /// one that is started at the first call.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Postgres>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| match std::env::var(SHARED_POSTGRES) {
            Ok(url) => Self::at(&url),
            Err(_) => Self::with(PostgresOptions::default()),
        });
        shared.as_ref().map_err(Clone::clone)
    }

    /// A server of one's own, which may be stopped and started again.
    pub fn start() -> Result<Self> {
        Self::with(PostgresOptions::default())
    }

    /// A server of one's own that takes nothing but TLS over TCP.
    pub fn with_tls() -> Result<Self> {
        Self::with(PostgresOptions { tls: true, ..PostgresOptions::default() })
    }

    pub fn with(options: PostgresOptions) -> Result<Self> {
        let access = Access {
            superuser: "postgres".into(),
            password: random_password()?,
            host: "127.0.0.1".into(),
            port: port::free()?,
        };
        let mut running = Running::initialize(&access, &options)?;
        running.start(&access)?;
        access.create_owner()?;
        Ok(Self { access, running: Some(running) })
    }

    fn at(url: &str) -> Result<Self> {
        let access = Access::parse(url).ok_or_else(|| {
            Error::Failed(format!("{SHARED_POSTGRES} has to look like postgres://superuser:password@host:port/postgres"))
        })?;
        access.create_owner()?;
        Ok(Self { access, running: None })
    }

    /// Stops the server; the port stays its own.
    pub fn stop(&mut self, mode: Mode) -> Result<()> {
        let running = self.running()?;
        let signal = match mode {
            Mode::Fast => Signal::INT,
            Mode::Immediate => Signal::QUIT,
        };
        let mut child = running
            .child
            .take()
            .ok_or_else(|| Error::Failed("PostgreSQL is stopped already".into()))?;
        child.end(signal).map(drop)
    }

    /// Starts a stopped server on the same port with the same data, and waits for it.
    pub fn start_again(&mut self) -> Result<()> {
        let access = self.access.clone();
        let running = self.running()?;
        if running.child.is_some() {
            return Err(Error::Failed("PostgreSQL runs already; stop it first".into()));
        }
        running.start(&access)
    }

    fn running(&mut self) -> Result<&mut Running> {
        self.running.as_mut().ok_or_else(Self::belongs_to_others)
    }

    fn belongs_to_others() -> Error {
        Error::Failed(format!("the server of {SHARED_POSTGRES} belongs to others"))
    }

    pub fn port(&self) -> u16 {
        self.access.port
    }

    /// For the role that owns the tests' databases and is no superuser.
    pub fn url(&self, database: &str) -> String {
        self.access.url(OWNER, database)
    }

    pub fn superuser_url(&self, database: &str) -> String {
        self.access.url(&self.access.superuser, database)
    }

    /// The certificate, in PEM, that vouches for a server started [`with_tls`](Self::with_tls).
    pub fn authority(&self) -> Option<&Path> {
        self.running.as_ref()?.authority.as_deref()
    }

    /// Writes files of the server's data folder, such as `server.crt`, and waits until it goes by
    /// them.
    pub fn reload(&self, files: &[(&str, &str)]) -> Result<()> {
        let running = self.running.as_ref();
        let folder = running.map(|it| &it.folder).ok_or_else(Self::belongs_to_others)?;
        let ask = |sql: &str| self.access.psql(&self.access.superuser, "postgres", sql);
        // Of the server itself: each session begins with what its parent knows.
        let loaded = "SELECT pg_conf_load_time()";
        let before = ask(loaded)?;
        for (name, text) in files {
            folder.write_private(&format!("data/{name}"), text)?;
        }
        ask("SELECT pg_reload_conf()")?;
        let begun = Instant::now();
        while ask(loaded)? == before {
            if begun.elapsed() > START_TIMEOUT {
                return Err(Error::Failed("PostgreSQL does not read its files again".into()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The folder of the Unix socket; `None` when somebody else runs the server.
    pub fn socket_folder(&self) -> Option<&Path> {
        self.running.as_ref().map(|it| it.folder.path())
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }
}

/// The fields drop in this order: the process ends before its folder goes.
struct Running {
    child: Option<Child>,
    authority: Option<PathBuf>,
    folder: Folder,
}

impl Running {
    fn initialize(access: &Access, options: &PostgresOptions) -> Result<Self> {
        let folder = Folder::for_service()?;
        let password = folder.write_private("password", &access.password)?;
        let mut initdb = service_command(&find_program("initdb")?, folder.path())?;
        // Like most production databases, and unlike C, ICU's English does not sort by
        // bytes: a query that leans on the default collation shows it here.
        initdb
            .args([
                "--pgdata=data",
                "--no-sync",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ])
            .args(["--locale-provider=icu", "--icu-locale=en-US"])
            .args([
                format!("--username={}", access.superuser),
                format!("--pwfile={}", password.display()),
            ]);
        run("initdb", initdb)?;

        let authority = if options.tls { Some(Self::add_tls(&folder)?) } else { None };
        folder.write_private(
            "data/postgresql.auto.conf",
            &configuration(access, options, folder.path()),
        )?;
        Ok(Self { child: None, authority, folder })
    }

    fn add_tls(folder: &Folder) -> Result<PathBuf> {
        let made = Certificates::make()?;
        folder.write_private("data/server.crt", &made.certificate)?;
        folder.write_private("data/server.key", &made.key)?;
        folder.write_private(
            "data/pg_hba.conf",
            "local all all scram-sha-256\nhostssl all all all scram-sha-256\n",
        )?;
        folder.write_private("authority.pem", &made.authority)
    }

    fn start(&mut self, access: &Access) -> Result<()> {
        let (log, out, err) = self.folder.log("postgres.log")?;
        let mut command = service_command(&find_program("postgres")?, self.folder.path())?;
        command.args(["-D", "data"]).stdout(out).stderr(err);
        // SIGQUIT ends the whole server at once and leaves no shared memory behind.
        let mut child = Child::spawn("PostgreSQL", command, Signal::QUIT)?;
        let is_ready = find_program("pg_isready")?;
        child.wait_until_ready(START_TIMEOUT, &log, || {
            let asked = Command::new(&is_ready)
                .args(["--quiet", "--host", &access.host, "--port", &access.port.to_string()])
                .status();
            if asked.is_ok_and(|it| it.success()) {
                Ok(())
            } else {
                Err("it takes no connections".into())
            }
        })?;
        self.child = Some(child);
        Ok(())
    }
}

fn configuration(access: &Access, options: &PostgresOptions, folder: &Path) -> String {
    let own = [
        ("listen_addresses", access.host.clone()),
        ("port", access.port.to_string()),
        ("unix_socket_directories", folder.display().to_string()),
        ("max_connections", "200".into()),
        // A crash of the server loses nothing for it, only one of the whole machine would.
        ("fsync", "off".into()),
        ("ssl", if options.tls { "on" } else { "off" }.into()),
        ("log_min_messages", "warning".into()),
    ];
    let more = options.settings.iter().map(|(name, value)| (name.as_str(), value.clone()));
    own.into_iter()
        .chain(more)
        .map(|(name, value)| format!("{name} = '{}'", value.replace('\'', "''")))
        .collect::<Vec<_>>()
        .join("\n")
}

fn run(name: &str, mut command: Command) -> Result<()> {
    let output =
        command.output().map_err(|error| Error::doing(format!("starting {name}"), error))?;
    if output.status.success() {
        return Ok(());
    }
    let log =
        [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned()).concat();
    Err(Error::Exited { program: name.into(), status: output.status, log })
}
