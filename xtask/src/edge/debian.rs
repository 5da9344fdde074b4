//! Debian's compiler for WASM, for machines where rustup cannot download one.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::toolchain::Target;
use crate::tools::{self, WASM_COMPONENT_LD, cache};
use crate::{Result, setup, ui};

/// The compiler that Debian updates within a release, for browsers; spin-sdk asks for 1.94. The
/// standard library comes as source alone and is built with the program.
const PACKAGES: [&str; 4] =
    ["rustc-web (>= 1.94)", "cargo-web (>= 1.94)", "rust-web-src (>= 1.94)", "lld-19"];
const CARGO: &str = "/usr/bin/cargo";
const RUSTC: &str = "/usr/bin/rustc";
const LIBRARY: &str = "/usr/lib/rustlib/src/rust/library";
const LLVM: &str = "/usr/lib/llvm-19/bin";

/// Debian 12 has one from 2022, too old for this target. It is nothing but files to link to, the
/// same for all systems, so that a later release's will do.
const RELEASE: &str = "trixie";
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

pub fn is_there() -> Result<bool> {
    let files = [CARGO, RUSTC, LIBRARY, LLVM].map(Path::new);
    Ok(files.iter().all(|it| it.exists()) && wasi_libc()?.is_dir())
}

pub fn setup() -> Result<()> {
    if !Path::new("/usr/bin/apt-get").is_file() {
        return Err("please install Rust by https://rustup.rs, and then once with a network: \
                    `rustup target add wasm32-unknown-unknown wasm32-wasip2` and `rustup \
                    component add rust-src`"
            .into());
    }
    setup::apt_get(&["update", "--quiet"])?;
    let install = ["satisfy", "--quiet", "--yes", "--no-install-recommends"];
    setup::apt_get(&[&install[..], &PACKAGES].concat()).map_err(|error| {
        format!(
            "{error}. The packages are in Debian 12 and later with its security updates; \
             elsewhere, let rustup download"
        )
    })?;
    fetch_wasi_libc()
}

/// By apt, which checks its signature, but with lists of its own: the system goes on knowing
/// nothing of the other release.
fn fetch_wasi_libc() -> Result<()> {
    let folder = wasi_libc()?;
    if folder.is_dir() {
        return Ok(());
    }
    let apt = folder.with_extension("apt");
    for part in ["lists/partial", "archives/partial"] {
        fs::create_dir_all(apt.join(part))?;
    }
    let source = format!("deb [signed-by={KEYS}] {} {RELEASE} main\n", mirror()?);
    fs::write(apt.join("sources.list"), source)?;
    let apt_get = |arguments: [&str; 2]| {
        let set = |name: &str, value: PathBuf| format!("-o{name}={}", value.display());
        ui::run(
            Command::new("apt-get")
                .current_dir(&apt)
                .arg(set("Dir::Etc::SourceList", apt.join("sources.list")))
                .arg("-oDir::Etc::SourceParts=/dev/null")
                .arg(set("Dir::State::Lists", apt.join("lists")))
                .arg(set("Dir::Cache", apt.clone()))
                // Its usual user cannot write here.
                .arg("-oAPT::Sandbox::User=root")
                .args(arguments),
        )
    };
    apt_get(["--quiet", "update"])?;
    apt_get(["download", "wasi-libc"])?;
    let package = fs::read_dir(&apt)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|it| it == "deb"))
        .ok_or("apt-get downloaded no package")?;
    ui::run(Command::new("dpkg-deb").arg("--extract").arg(package).arg(apt.join("unpacked")))?;
    // Whole or not at all, should this be interrupted.
    fs::rename(apt.join("unpacked"), folder)?;
    Ok(fs::remove_dir_all(apt)?)
}

/// Where this system gets its own packages from.
fn mirror() -> Result<String> {
    let of_debian = ["Origin: Debian", "Label: Debian", "Created-By: Packages"];
    let mut apt_get = Command::new("apt-get");
    apt_get.arg("indextargets").args(of_debian).args(["--format", "$(SITE)"]);
    let sites = String::from_utf8(apt_get.output()?.stdout)?;
    let site = sites.lines().next().map(str::to_owned);
    site.ok_or_else(|| "apt-get knows no mirror of Debian; its lists of sources name none".into())
}

fn wasi_libc() -> Result<PathBuf> {
    Ok(cache()?.join("wasi-libc-trixie"))
}

pub fn cargo() -> Command {
    let mut cargo = tools::cargo_at(CARGO);
    // Rustup's cargo, under which this very program runs, names its own libraries in it.
    cargo.env("RUSTC", RUSTC).env_remove("LD_LIBRARY_PATH");
    cargo
}

/// Names the linker, which rustup's compiler brings along.
pub fn link(cargo: &mut Command, target: Target, flags: &mut Vec<OsString>) -> Result<()> {
    match target {
        Target::Workers => {
            cargo
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", Path::new(LLVM).join("wasm-ld"));
        }
        Target::Spin => {
            cargo.env("CARGO_TARGET_WASM32_WASIP2_LINKER", WASM_COMPONENT_LD.required()?);
            let path = std::env::var_os("PATH").unwrap_or_default();
            let path = [PathBuf::from(LLVM)].into_iter().chain(std::env::split_paths(&path));
            cargo.env("PATH", std::env::join_paths(path)?);
            flags.push("-Clink-self-contained=no".into());
            let mut libraries = OsString::from("-Lnative=");
            libraries.push(wasi_libc()?.join("usr/lib/wasm32-wasip2"));
            flags.push(libraries);
        }
    }
    Ok(())
}
