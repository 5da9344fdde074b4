use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::child::Child;
use crate::{Folder, Result, http, port};

/// When [`Server::start`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// `/health/ready` answers 200.
    Ready,
    /// `/health/live` answers 200: for a test whose database is away.
    Live,
}

#[derive(Clone, Debug)]
pub struct ServerOptions {
    binary: PathBuf,
    arguments: Vec<String>,
    env: Vec<(String, String)>,
    port: Option<u16>,
    until: Until,
    timeout: Duration,
    show_log: bool,
    deaf: bool,
}

impl ServerOptions {
    /// `binary` is `env!("CARGO_BIN_EXE_trireme")` in a test of its own crate.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            arguments: Vec::new(),
            env: Vec::new(),
            port: None,
            until: Until::Ready,
            timeout: Duration::from_secs(30),
            show_log: false,
            deaf: false,
        }
    }

    /// A variable of the server's environment, which is empty but for these, `PATH`,
    /// `PORT` and `BIND=127.0.0.1`. The last one of a name counts.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    #[must_use]
    pub fn arguments<T: Into<String>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// A certain port instead of any free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.until = until;
        self
    }

    /// Shows what the server writes, on our own stderr, instead of keeping it for
    /// [`Server::log`].
    #[must_use]
    pub fn show_log(mut self, show: bool) -> Self {
        self.show_log = show;
        self
    }

    /// Gives the server pipes to write to that nobody reads.
    #[must_use]
    pub fn deaf(mut self, deaf: bool) -> Self {
        self.deaf = deaf;
        self
    }

    /// How long the start may take; 30 seconds unless set.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// A process of the server, killed on drop.
///
/// The fields drop in this order: the process ends before its folder goes.
pub struct Server {
    child: Child,
    port: u16,
    started_in: Duration,
    log: PathBuf,
    folder: Folder,
}

impl Server {
    /// Starts it and waits. When the process ends first, the error holds its exit status
    /// and what it wrote.
    pub fn start(options: ServerOptions) -> Result<Self> {
        let folder = Folder::new()?;
        let (log, out, err) = folder.log("server.log")?;
        let port = options.port.map_or_else(port::free, Ok)?;
        let mut command = Command::new(&options.binary);
        command
            .args(&options.arguments)
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("PORT", port.to_string())
            .env("BIND", "127.0.0.1")
            .envs(options.env.iter().map(|(name, value)| (name, value)))
            .stdout(out)
            .stderr(err);
        if options.show_log {
            command.stdout(std::io::stderr()).stderr(Stdio::inherit());
        }

        if options.deaf {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }

        let begun = Instant::now();
        let mut child = Child::spawn("the server", command, Signal::KILL)?;
        let path = match options.until {
            Until::Ready => "/health/ready",
            Until::Live => "/health/live",
        };
        child.wait_until_ready(options.timeout, &log, || match http::get(port, path) {
            Ok(answer) if answer.status == 200 => Ok(()),
            Ok(answer) => Err(format!("GET {path}: {} {}", answer.status, answer.body)),
            Err(error) => Err(format!("GET {path}: {error}")),
        })?;
        Ok(Self { child, port, started_in: begun.elapsed(), log, folder })
    }

    /// Without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// From the start of the process to its first 200.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// What it wrote so far, stdout and stderr.
    pub fn log(&self) -> String {
        std::fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Its working folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        self.child.signal(signal)
    }

    /// Waits until it ends by itself or by a signal sent before.
    pub fn wait_exit(&mut self, timeout: Duration) -> Result<ExitStatus> {
        self.child.wait(timeout)
    }

    pub fn has_exited(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}
