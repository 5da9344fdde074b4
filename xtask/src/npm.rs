//! What comes from npm: wrangler, Miniflare with workerd, esbuild and Binaryen's wasm-opt for the
//! Worker, Playwright and axe for the page at /docs.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use trireme_testbed::find_program;

use crate::{Result, root, ui};

/// What wrangler 4.86 asks for.
const NODE: (u32, u32) = (20, 3);

/// The folders that have a `package.json`.
const WORKER: &str = "worker-host";
pub const PAGE: &str = "xtask/page";

pub fn setup() -> Result<()> {
    check_node()?;
    [WORKER, PAGE].into_iter().try_for_each(install)
}

/// What a folder's `package-lock.json` names, unless it is there.
pub fn install(name: &str) -> Result<()> {
    let folder = root().join(name);
    let wanted = fs::read(folder.join("package-lock.json"))?;
    let installed = folder.join("node_modules/.installed-by-xtask.json");
    if fs::read(&installed).is_ok_and(|it| it == wanted) {
        eprintln!("npm's packages for {name} are there");
        return Ok(());
    }
    eprintln!("installing npm's packages for {name}; it takes half a minute");
    // None of the scripts is needed: they make sure of binaries that the lock file names.
    ui::run(
        Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            // What we print ourselves there may be read by a program.
            .stdout(std::io::stderr())
            .current_dir(&folder),
    )?;
    Ok(fs::write(installed, wanted)?)
}

/// A program of the Worker's packages: this checkout's, or one in PATH, where a product is built
/// without a checkout. `npx wrangler` has those of the product's own packages there.
pub fn program(name: &str) -> Result<PathBuf> {
    let path = root().join(WORKER).join("node_modules/.bin").join(name);
    if path.exists() {
        return Ok(path);
    }
    find_program(name).map_err(|_| {
        format!(
            "{name} is not there; `cargo xtask setup` installs it, or, without a checkout of Trireme, \
             `npm install --save-dev esbuild binaryen`"
        )
        .into()
    })
}

fn check_node() -> Result<()> {
    let found = Command::new("node").arg("--version").output().ok();
    let found = found.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    let (major, minor) = NODE;
    match &found {
        Some(version) if parse(version) >= Some(NODE) => {}
        _ => {
            return Err(format!(
                "please install Node.js {major}.{minor} or later with npm, so that both are in \
                 PATH: https://nodejs.org/en/download ({})",
                found.map_or("there is none".to_owned(), |it| format!("there is {it}"))
            )
            .into());
        }
    }
    Command::new("npm").arg("--version").output().map_err(|_| "please install npm as well")?;
    Ok(())
}

/// `v20.11.1` is 20 and 11.
fn parse(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.strip_prefix('v')?.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(parse("v9.11.2") < Some(NODE));
        assert!(parse("v20.2.0") < Some(NODE));
        assert!(parse("v20.20.2") >= Some(NODE));
        assert!(parse("v100.0.0") >= Some(NODE));
        assert_eq!(parse("node: not found"), None);
    }
}
