//! What a product says of itself once it compiles, and whether it does.

use std::{
    env, fs,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::Duration,
};

use crate::commands::{Failure, output::complain, runtime, signals::Signals};

/// Makes `openapi.json` and the files for D1 anew, by the product's own command. Where that fails, the
/// files for D1 are as they were; the document is the caller's to restore.
pub fn documents(root: &Path) -> Result<(), Failure> {
    let document = root.join("openapi.json");
    let new = root.join(".trireme-grow/openapi.json");
    let d1 = root.join("migrations/d1");
    let before = files(&d1);
    complain("Compiling, to see that it does; the first time takes minutes.");
    let made = runtime()?.block_on(async {
        let mut signals = Signals::listen()?;
        let out = File::create(&new).map_err(|error| unwritten(&new, &error))?;
        run(root, &["openapi"], Some(out), &mut signals).await?;
        fs::rename(&new, &document).map_err(|error| unwritten(&document, &error))?;
        // The document is in the program.
        run(root, &["migrate", "--d1", "migrations/d1"], None, &mut signals).await
    });
    if made.is_err() {
        for file in files(&d1).iter().filter(|file| !before.contains(file)) {
            let _ = fs::remove_file(file);
        }
        let _ = fs::remove_dir(&d1);
    }
    made
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::no(format!("{} can't be written: {error}.", path.display()))
}

/// The product's command; ended, when this one is to end.
async fn run(
    root: &Path,
    arguments: &[&str],
    out: Option<File>,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root).args(["run", "--quiet", "--"]).args(arguments);
    // What the cargo that ran this command says of its package would have others built anew.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.starts_with(start)) {
            cargo.env_remove(name);
        }
    }
    if let Some(out) = out {
        cargo.stdout(out);
    }
    let failed = |error: std::io::Error| {
        Failure::no(format!(
            "cargo can't be run: {error}. Nothing was changed; --no-build does without it."
        ))
    };
    let mut child = cargo.spawn().map_err(failed)?;
    let status: ExitStatus = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        tokio::select! {
            _ = signals.next() => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Failure::no("It was ended. Nothing was changed."));
            }
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    };
    if status.success() {
        return Ok(());
    }
    Err(Failure::no(
        "The product does not compile with what was to be written, as said above. Nothing was changed. \
         --no-build writes it all the same.",
    ))
}
