use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{self, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::folder::ServiceUser;
use crate::{Error, Result};

/// A child process that does not outlive this one, however this one ends.
pub(crate) struct Child {
    name: &'static str,
    process: process::Child,
    /// `None` once the child has ended: its number may then belong to somebody else.
    watchdog: Option<Watchdog>,
    last_signal: Signal,
    status: Option<ExitStatus>,
}

impl Child {
    /// Starts `command` in a process group of its own, so that a Ctrl-C meant for the test
    /// run does not reach it. `last_signal` is what ends it when nobody else does.
    pub fn spawn(name: &'static str, mut command: Command, last_signal: Signal) -> Result<Self> {
        let process = command.process_group(0).stdin(Stdio::null()).spawn().map_err(|error| {
            Error::doing(format!("starting {name} ({})", command.get_program().display()), error)
        })?;
        let watchdog = Some(Watchdog::of_process(process.id(), last_signal)?);
        Ok(Self { name, process, watchdog, last_signal, status: None })
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        match self.try_wait()? {
            Some(status) => {
                Err(Error::Failed(format!("{} has ended already ({status})", self.name)))
            }
            // Whoever is killed can't end what it started; it leads a group of its own.
            None if signal == Signal::KILL => {
                kill_process_group(Pid::from_child(&self.process), signal)
                    .map_err(|error| Error::doing(format!("killing {}", self.name), error))
            }
            None => kill_process(Pid::from_child(&self.process), signal)
                .map_err(|error| Error::doing(format!("signalling {}", self.name), error)),
        }
    }

    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self
                .process
                .try_wait()
                .map_err(|error| Error::doing(format!("waiting for {}", self.name), error))?;
            if self.status.is_some() {
                self.watchdog = None;
            }
        }
        Ok(self.status)
    }

    pub fn wait(&mut self, timeout: Duration) -> Result<ExitStatus> {
        let ended = poll(timeout, || self.try_wait().transpose())?;
        ended.ok_or_else(|| Error::Failed(format!("{} still runs after {timeout:?}", self.name)))
    }

    /// Waits for a server to be ready. `ready` says what is still amiss, which the error tells
    /// together with what the server wrote to `log`.
    pub fn wait_until_ready(
        &mut self,
        timeout: Duration,
        log: &Path,
        ready: impl Fn() -> std::result::Result<(), String>,
    ) -> Result<()> {
        let read_log =
            || String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned();
        let name = self.name;
        let mut amiss = String::new();
        let answer = poll(timeout, || match self.try_wait() {
            Ok(None) => ready().map_err(|reason| amiss = reason).ok().map(Ok),
            Ok(Some(status)) => {
                Some(Err(Error::Exited { program: name.into(), status, log: read_log() }))
            }
            Err(error) => Some(Err(error)),
        })?;
        answer.ok_or_else(|| {
            Error::Failed(format!(
                "{name} was not ready within {timeout:?} ({amiss}); it wrote:\n{}",
                read_log().trim_end()
            ))
        })
    }

    /// Signals, waits, and kills what did not listen within ten seconds.
    pub fn end(&mut self, signal: Signal) -> Result<ExitStatus> {
        self.signal(signal)?;
        self.wait(Duration::from_secs(10)).or_else(|_| {
            self.signal(Signal::KILL)?;
            self.wait(Duration::from_secs(5))
        })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.status.is_none() {
            let _ = self.end(self.last_signal);
        }
    }
}

/// Asks until there is an answer, an error, or no time left (`None`). It asks the more seldom
/// the longer it takes, and notices an answer at most a twentieth late.
pub(crate) fn poll<T>(
    timeout: Duration,
    mut ask: impl FnMut() -> Option<Result<T>>,
) -> Result<Option<T>> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer.map(Some);
        }
        let waited = begun.elapsed();
        if waited >= timeout {
            return Ok(None);
        }
        std::thread::sleep(
            (waited / 20).clamp(Duration::from_millis(1), Duration::from_millis(50)),
        );
    }
}

/// A shell that reads from a pipe which only this process holds open, and cleans up when
/// the pipe closes: after a panic, an abort or a kill as well. The usual way, a parent-death
/// signal, is tied to the thread that started the child, and test threads come and go.
pub(crate) struct Watchdog(process::Child);

impl Watchdog {
    fn of_process(id: u32, last_signal: Signal) -> Result<Self> {
        const SCRIPT: &str = r#"
            read -r _
            if [ "$2" != 9 ]; then
                kill -"$2" "$1"; n=0
                while [ $n -lt 50 ] && kill -0 "$1"; do sleep 0.1; n=$((n + 1)); done
            fi
            kill -KILL "-$1""#;
        Self::new(SCRIPT, [&id.to_string(), &last_signal.as_raw().to_string()])
    }

    /// Tries for a while, because a server may still be writing its last words there.
    pub fn of_folder(path: &Path) -> Result<Self> {
        const SCRIPT: &str = r#"
            read -r _; n=0
            while [ $n -lt 80 ] && ! rm -rf "$1"; do sleep 0.1; n=$((n + 1)); done"#;
        Self::new(SCRIPT, [path])
    }

    fn new<const N: usize>(
        script: &str,
        arguments: [impl AsRef<std::ffi::OsStr>; N],
    ) -> Result<Self> {
        Command::new("/bin/sh")
            .args(["-c", script, "trireme-testbed"])
            .args(arguments)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
            .map_err(|error| Error::doing("starting a watchdog", error))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command that runs as the service's user, in a clean environment.
pub(crate) fn service_command(program: &Path, folder: &Path) -> Result<Command> {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").current_dir(folder);
    if let Some(user) = ServiceUser::get()? {
        command.uid(user.uid).gid(user.gid);
    }
    Ok(command)
}
