//! rustfmt, by the product's own settings.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use crate::{
    refusal::{Refusal, Result},
    tree::Tree,
};

/// A file of Rust as rustfmt writes it.
pub fn rust(tree: &Tree, text: &str) -> Result<String> {
    let missing = |error: std::io::Error| {
        Refusal::new(
            format!("rustfmt can't be run: {error}."),
            "Install it: rustup component add rustfmt",
        )
    };
    let mut command = Command::new("rustfmt");
    command.args(["--edition", "2024"]);
    match tree.find("rustfmt.toml")? {
        // It may not be written yet.
        Some(settings) => command.args(["--config", &pairs(&settings)]),
        // It looks for its settings from here up.
        None => command.current_dir(tree.root()),
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(missing)?;
    let mut stdin = child.stdin.take();
    let text = text.to_owned();
    // On a thread: rustfmt may answer before it has read all.
    std::thread::scope(|scope| {
        scope.spawn(|| stdin.take().map(|mut stdin| stdin.write_all(text.as_bytes())));
        let output = child.wait_with_output().map_err(missing)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Refusal::new(
            format!("rustfmt refuses what was to be written:\n{}", told.trim_end()),
            "Nothing was written.",
        ))
    })
}

/// The lines of a `rustfmt.toml`, for the command line.
fn pairs(file: &str) -> String {
    let lines = file.lines().filter(|line| !line.trim_start().starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    let pairs =
        pairs.map(|(name, value)| format!("{}={}", name.trim(), value.trim().trim_matches('"')));
    pairs.collect::<Vec<_>>().join(",")
}

/// An edited file: formatted if it was so before, else left as its author likes it.
fn edited(tree: &Tree, before: &str, after: &str) -> Result<String> {
    if rust(tree, before)? == before { rust(tree, after) } else { Ok(after.to_owned()) }
}

/// Formats what is planned to be changed.
pub fn changed(tree: &mut Tree) -> Result<()> {
    let edits: Vec<_> = tree
        .changes()
        .filter(|change| change.path.strip_suffix(".rs").is_some())
        .map(|change| {
            (change.path.to_owned(), change.before.map(str::to_owned), change.after.to_owned())
        })
        .collect();
    for (path, before, after) in edits {
        let text = match before {
            Some(before) => edited(tree, &before, &after)?,
            None => rust(tree, &after)?,
        };
        tree.replace(&path, text);
    }
    Ok(())
}
