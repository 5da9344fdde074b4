//! Programs that come from crates.io, built once a version into the user's cache.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::{Result, ui};

pub struct Tool {
    pub name: &'static str,
    pub version: &'static str,
}

/// Checks licences, bans, sources and known vulnerabilities of what the workspace depends on.
pub const CARGO_DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };

impl Tool {
    /// Where the program is or will be.
    pub fn path(&self) -> Result<PathBuf> {
        Ok(self.folder()?.join("bin").join(self.name))
    }

    fn folder(&self) -> Result<PathBuf> {
        Ok(cache()?.join("tools").join(format!("{}-{}", self.name, self.version)))
    }

    /// Builds it unless that was done before.
    pub fn install(&self) -> Result<()> {
        if self.path()?.is_file() {
            eprintln!("{} {} is there", self.name, self.version);
            return Ok(());
        }
        eprintln!(
            "building {} {}, once for this machine; it takes a minute or two",
            self.name, self.version
        );
        let begun = Instant::now();
        let mut cargo = cargo();
        cargo
            .args(["install", "--locked", self.name, "--version", self.version, "--root"])
            .arg(self.folder()?);
        // It runs for a second a day: building it fast beats its being fast.
        cargo
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env_remove("CARGO_TARGET_DIR");
        ui::run(&mut cargo)?;
        eprintln!("{} built in {} s", self.name, ui::seconds(begun.elapsed()));
        Ok(())
    }
}

/// The cargo that runs this very command, in the workspace.
///
/// Without what `cargo run` tells its program about itself: build scripts that look at those
/// variables, such as ring's, would run anew whenever cargo is called with and without xtask
/// in turn, and everything above them be built anew.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(crate::root());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_")
            || name.to_string_lossy().starts_with("CARGO_MANIFEST_")
        {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// `$XDG_CACHE_HOME/trireme`, else `~/.cache/trireme`.
fn cache() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME")
        .or_else(|| Some(set("HOME")?.join(".cache")))
        .map(|folder| folder.join("trireme"))
        .ok_or_else(|| "set HOME or XDG_CACHE_HOME: tools are built into a cache folder".into())
}
