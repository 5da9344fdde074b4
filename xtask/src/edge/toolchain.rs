//! Which compiler builds for the edge hosts, and how.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian;
use super::program::{Profile, Program};
use super::workspace::Workspace;
use crate::{Result, tools, ui};

/// Both come as the compiler that is there, with unstable options allowed
/// (`RUSTC_BOOTSTRAP`), rather than as a nightly: the standard library can then be built as the
/// Worker needs it, and the native binary and the edges still see the same compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The one that builds everything else.
    Rustup,
    /// For where rustup cannot download: beside the one that builds everything else.
    Debian,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Workers,
    Spin,
}

impl Target {
    pub const fn triple(self) -> &'static str {
        match self {
            Self::Workers => "wasm32-unknown-unknown",
            Self::Spin => "wasm32-wasip2",
        }
    }
}

pub fn setup() -> Result<Toolchain> {
    if Toolchain::find()?.is_none()
        && let Err(error) = add_by_rustup()
    {
        eprintln!("{error}; Debian's packages may have it");
        debian::setup()?;
    }
    let toolchain = Toolchain::required()?;
    eprintln!("the compiler for edge hosts is there ({toolchain:?}'s)");
    Ok(toolchain)
}

fn add_by_rustup() -> Result<()> {
    let rustup = |arguments: &[&str]| ui::run(Command::new("rustup").args(arguments));
    rustup(&["target", "add", Target::Workers.triple(), Target::Spin.triple()])?;
    rustup(&["component", "add", "rust-src"])
}

impl Toolchain {
    fn find() -> Result<Option<Self>> {
        let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output()?.stdout;
        let rustlib = Path::new(String::from_utf8(sysroot)?.trim()).join("lib/rustlib");
        let parts = ["src/rust/library", Target::Workers.triple(), Target::Spin.triple()];
        Ok(if parts.iter().all(|part| rustlib.join(part).is_dir()) {
            Some(Self::Rustup)
        } else {
            debian::is_there()?.then_some(Self::Debian)
        })
    }

    pub fn required() -> Result<Self> {
        Self::find()?.ok_or_else(|| {
            "no compiler for the edge hosts is there; `cargo xtask setup` installs it".into()
        })
    }

    /// Compiles the program, and answers where its .wasm file is.
    pub fn build(
        self,
        target: Target,
        workspace: &Workspace,
        program: &Program,
        profile: Profile,
    ) -> Result<PathBuf> {
        let name = workspace.library(&program.package)?;
        let folder = workspace.target_directory.join("edge");
        // Not --release: that is for servers. See Cargo.toml.
        let (cargo_profile, subfolder) = match profile {
            Profile::Debug => ("dev", "debug"),
            Profile::Release => ("edge", "edge"),
        };
        let mut cargo = self.cargo(target)?;
        cargo
            .current_dir(&workspace.root)
            .args(["--package", &*program.package, "--lib", "--profile", cargo_profile])
            .args(["--features", &program.features.join(",")])
            // Of its own, since build scripts that look at RUSTC_BOOTSTRAP would run anew, and
            // all above them be built anew, whenever a native build comes in between.
            .arg("--target-dir")
            .arg(&folder);
        ui::run(&mut cargo)?;
        Ok(folder.join(target.triple()).join(subfolder).join(format!("{name}.wasm")))
    }

    fn cargo(self, target: Target) -> Result<Command> {
        let mut flags = inherited_flags();
        let mut cargo = match self {
            Self::Rustup => tools::cargo(),
            Self::Debian => debian::cargo(),
        };
        cargo.args(["build", "--target", target.triple()]).env("RUSTC_BOOTSTRAP", "1");
        // Where panics happened is named from the crate's root, not from the builder's folders.
        cargo.args(["-Ztrim-paths", "--config", "profile.edge.trim-paths='all'"]);
        if target == Target::Workers {
            // A panic ends its request with 500. Aborting would leave the isolate unusable, and
            // with it all other requests that it serves.
            cargo.arg("-Zbuild-std=std,panic_unwind");
            cargo.arg("-Zbuild-std-features=optimize_for_size");
            flags.push("-Cpanic=unwind".into());
            cargo.env("WASM_BINDGEN_USE_JS_SYS", "1");
            // wasm-bindgen reads sections that stripping removes, and wasm-opt removes the names.
            cargo.env("CARGO_PROFILE_EDGE_STRIP", "none");
        }
        if self == Self::Debian {
            if target == Target::Spin {
                cargo.arg("-Zbuild-std=std,panic_abort");
            }
            debian::link(&mut cargo, target, &mut flags)?;
        }
        // Variables for one target alone don't count when RUSTFLAGS is set, so these do as it.
        if !flags.is_empty() {
            cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join(OsStr::new("\x1f")));
        }
        Ok(cargo)
    }
}

/// The flags that whoever called wants for every build.
fn inherited_flags() -> Vec<OsString> {
    let split = |name, separator: char| {
        let flags = std::env::var(name).ok()?;
        Some(flags.split(separator).filter(|flag| !flag.is_empty()).map(Into::into).collect())
    };
    split("CARGO_ENCODED_RUSTFLAGS", '\x1f').or_else(|| split("RUSTFLAGS", ' ')).unwrap_or_default()
}
