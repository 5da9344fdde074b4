//! From a crate to the two files of a Worker.
//!
//! The steps are those of Cloudflare's worker-build, which is not used: it downloads its
//! helpers by itself, and for panics that unwind it insists on a nightly compiler.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::program::{Profile, Program};
use super::toolchain::{Target, Toolchain};
use super::wasm_opt::optimize;
use crate::tools::WASM_BINDGEN;
use crate::{Result, npm, ui};

/// Puts index.js and index_bg.wasm into a folder: `out`, or `<target>/<program>/<profile>`.
pub fn build(program: &Program, profile: Profile, out: Option<&Path>) -> Result<Vec<PathBuf>> {
    let workspace = program.workspace()?;
    let compiled = Toolchain::required()?.build(Target::Workers, &workspace, program, profile)?;
    let steps = compiled.with_extension("steps");
    if steps.is_dir() {
        fs::remove_dir_all(&steps)?;
    }
    bindgen(&compiled, &steps)?;
    bundle(&steps, profile)?;
    let folder = program.result(&workspace, profile, out)?;
    let [script, module] = ["index.js", "index_bg.wasm"].map(|name| folder.join(name));
    match profile {
        Profile::Debug => drop(fs::copy(steps.join("index_bg.wasm"), &module)?),
        Profile::Release => optimize(&steps.join("index_bg.wasm"), &module)?,
    }
    fs::copy(steps.join("bundle.js"), &script)?;
    Ok(vec![script, module])
}

/// index.js and index_bg.wasm, which call one another.
///
/// An isolate whose program aborts all the same, out of memory or of stack, gets a new instance
/// of it with the next request: that is what the two last options are for.
fn bindgen(compiled: &Path, steps: &Path) -> Result<()> {
    ui::run(
        Command::new(WASM_BINDGEN.required()?)
            .arg(compiled)
            .arg("--out-dir")
            .arg(steps)
            .args(["--out-name", "index", "--target", "module", "--no-typescript"])
            .args(["--experimental-reset-state-function", "--force-enable-abort-handler"]),
    )
}

/// One script out of the entry point, wasm-bindgen's, and those that crates bring along.
fn bundle(steps: &Path, profile: Profile) -> Result<()> {
    fs::write(steps.join("entrypoint.js"), include_str!("entrypoint.js"))?;
    let mut esbuild = Command::new(npm::program("esbuild")?);
    esbuild
        .current_dir(steps)
        .args(["entrypoint.js", "--bundle", "--format=esm", "--outfile=bundle.js"])
        .args(["--external:./index_bg.wasm", "--external:cloudflare:*", "--log-level=warning"]);
    if profile == Profile::Release {
        esbuild.arg("--minify");
    }
    ui::run(&mut esbuild)?;
    // The same to workerd, whereas wrangler does not know the proposed syntax yet.
    let script = fs::read_to_string(steps.join("bundle.js"))?;
    fs::write(steps.join("bundle.js"), script.replace("import source ", "import "))?;
    Ok(())
}
