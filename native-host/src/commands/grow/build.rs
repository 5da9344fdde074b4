//! What a product says of itself once it compiles, and whether it does.

use std::{
    env, fs,
    fs::File,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::signal::unix as signal;
use trireme_grow::Tree;

use super::refused;
use crate::commands::{Failure, output::complain, runtime, signals::Signals};

/// Plans `openapi.json` and the files for D1 anew, by the product's own command.
pub fn documents(root: &Path) -> Result<Tree, Failure> {
    let (document, d1) = (".trireme-grow/openapi.json", ".trireme-grow/d1");
    let program = env::current_exe().unwrap_or_default();
    complain(format_args!(
        "Compiling, to see that it does; the first time takes minutes. Should this be killed, the next \
         `{} add …` puts things back; `cargo run` may not compile before.",
        program.display()
    ));
    runtime()?.block_on(async {
        let mut ends = Ends::listen()?;
        let place = root.join(document);
        let out = File::create(&place).map_err(|error| failed(&place, "written", &error))?;
        run(root, &["openapi"], out.into(), &mut ends).await?;
        run(root, &["migrate", "--d1", d1], Stdio::null(), &mut ends).await
    })?;
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| failed(path, "read", &error));
    let mut tree = Tree::new(root);
    tree.change("openapi.json", read(&root.join(document))?).map_err(refused)?;
    for file in files(&root.join(d1)) {
        let text = read(&file)?;
        let path = format!("migrations/d1/{}", file.file_name().unwrap_or_default().display());
        match tree.find(&path).map_err(refused)? {
            None => tree.create(path, text).map_err(refused)?,
            Some(there) if there == text => {}
            Some(_) => {
                return Err(Failure::no(format!(
                    "{path} is another than what the product makes of its migrations. A migration that \
                     was applied never changes: put it back as it was."
                )));
            }
        }
    }
    Ok(tree)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn failed(path: &Path, doing: &str, error: &std::io::Error) -> Failure {
    Failure::no(format!("{} can't be {doing}: {error}.", path.display()))
}

/// The signals that end the process, and that of a terminal that is closed.
struct Ends {
    signals: Signals,
    hangup: signal::Signal,
}

impl Ends {
    fn listen() -> Result<Self, Failure> {
        let hangup = signal::signal(signal::SignalKind::hangup())
            .map_err(|error| Failure::no(format!("Signals can't be received: {error}.")))?;
        Ok(Self { signals: Signals::listen()?, hangup })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.signals.next() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

/// The product's command; ended with all that it has begun, when this one is to end.
async fn run(root: &Path, arguments: &[&str], out: Stdio, ends: &mut Ends) -> Result<(), Failure> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root).args(["run", "--quiet", "--"]).args(arguments);
    // What the cargo that ran this command says of its package would have others built anew.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.starts_with(start)) {
            cargo.env_remove(name);
        }
    }
    // In a group of its own, so that the compilers can be ended with it.
    cargo.stdout(out).process_group(0);
    let failed = |error: std::io::Error| {
        Failure::no(format!(
            "cargo can't be run: {error}. What was written was taken back; --no-build does without it."
        ))
    };
    let mut child = cargo.spawn().map_err(failed)?;
    let status: ExitStatus = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        tokio::select! {
            () = ends.next() => {
                let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
                let _ = child.wait();
                return Err(Failure::no("It was ended. What was written was taken back."));
            }
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    };
    if status.success() {
        return Ok(());
    }
    Err(Failure::no(
        "The product does not compile with what was written, as said above: that was taken back. \
         Where it did not compile before either, mend it first. --no-build writes it all the same.",
    ))
}
