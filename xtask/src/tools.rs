//! Programs that come from crates.io, built once a version into the user's cache.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::{Result, ui};

pub struct Tool {
    name: &'static str,
    version: &'static str,
    program: &'static str,
    /// Whether to build it from the versions that its authors built it from.
    locked: bool,
}

/// Checks licences, bans, sources and known vulnerabilities of what the workspace depends on.
pub const CARGO_DENY: Tool =
    Tool { name: "cargo-deny", version: "0.20.2", program: "cargo-deny", locked: true };

/// Makes the JavaScript between a Worker and its host. Its version is the library's.
pub const WASM_BINDGEN: Tool = Tool {
    name: "wasm-bindgen-cli",
    version: "0.2.130",
    program: "wasm-bindgen",
    // Not every registry has all of those versions.
    locked: false,
};

/// Links components. Rustup's compiler has its own; Debian's does not.
pub const WASM_COMPONENT_LD: Tool = Tool {
    name: "wasm-component-ld",
    version: "0.5.31",
    program: "wasm-component-ld",
    locked: true,
};

impl Tool {
    /// Where the program is or will be.
    pub fn path(&self) -> Result<PathBuf> {
        Ok(self.folder()?.join("bin").join(self.program))
    }

    /// Where the program is, to run it.
    pub fn required(&self) -> Result<PathBuf> {
        let path = self.path()?;
        if path.is_file() {
            Ok(path)
        } else {
            Err(format!("{} is not there; `cargo xtask setup` installs it", self.name).into())
        }
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
            "building {} {}, once for this machine; it takes some minutes",
            self.name, self.version
        );
        let begun = Instant::now();
        let mut cargo = cargo();
        cargo
            .args(["install", self.name, "--version", self.version])
            .args(self.locked.then_some("--locked"))
            .arg("--root")
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
    cargo_at(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Another cargo, likewise.
pub fn cargo_at(program: impl AsRef<OsStr>) -> Command {
    let mut cargo = without_package(program);
    cargo.current_dir(crate::root());
    cargo
}

/// Any program that calls cargo, likewise.
pub fn without_package(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_")
            || name.to_string_lossy().starts_with("CARGO_MANIFEST_")
        {
            command.env_remove(name);
        }
    }
    command
}

/// `$XDG_CACHE_HOME/trireme`, else `~/.cache/trireme`.
pub fn cache() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME")
        .or_else(|| Some(set("HOME")?.join(".cache")))
        .map(|folder| folder.join("trireme"))
        .ok_or_else(|| "set HOME or XDG_CACHE_HOME: tools are built into a cache folder".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wasm_bindgen_is_of_one_version() {
        let lock = include_str!("../../Cargo.lock");
        let locked = format!("name = \"wasm-bindgen\"\nversion = \"{}\"\n", WASM_BINDGEN.version);
        assert!(lock.contains(&locked), "the library in Cargo.lock and WASM_BINDGEN differ");
    }
}
