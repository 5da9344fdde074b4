//! From a crate to the two files of a Worker.
//!
//! The steps are those of Cloudflare's worker-build, which is not used: it downloads its
//! helpers by itself, and for panics that unwind it insists on a nightly compiler.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::program::{Profile, Program};
use super::toolchain::{Target, Toolchain};
use crate::tools::WASM_BINDGEN;
use crate::{Result, npm, ui};

/// What workerd understands and rustc or wasm-bindgen use; the list is worker-build's.
const FEATURES: [&str; 7] = [
    "--enable-mutable-globals",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-reference-types",
    "--enable-exception-handling",
];

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
    optimize(&steps.join("index_bg.wasm"), &module, profile)?;
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

/// By name, what was made of one generic function stands together, and compresses better.
fn optimize(from: &Path, to: &Path, profile: Profile) -> Result<()> {
    if profile == Profile::Debug {
        fs::copy(from, to)?;
        return Ok(());
    }
    let mut wasm_opt = Command::new(npm::program("wasm-opt")?);
    wasm_opt.args(["-Os", "--reorder-functions-by-name"]).args(FEATURES);
    ui::run(wasm_opt.arg(from).arg("-o").arg(to))
}
