//! Smaller modules, by Binaryen's wasm-opt.

use std::path::Path;
use std::process::Command;

use crate::{Result, npm, ui};

/// What workerd and Spin understand and rustc or wasm-bindgen use; the list is worker-build's.
const FEATURES: [&str; 7] = [
    "--enable-mutable-globals",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-reference-types",
    "--enable-exception-handling",
];

/// Makes a module smaller. By name, what was made of one generic function stands together, and
/// compresses better.
pub fn optimize(from: &Path, to: &Path) -> Result<()> {
    let mut wasm_opt = Command::new(npm::program("wasm-opt")?);
    wasm_opt.args(["-Os", "--reorder-functions-by-name"]).args(FEATURES);
    ui::run(wasm_opt.arg(from).arg("-o").arg(to))
}
