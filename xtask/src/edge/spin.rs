//! From a crate to a component for Spin.

use std::fs;
use std::path::{Path, PathBuf};

use super::program::{Profile, Program};
use super::toolchain::{Target, Toolchain};
use crate::Result;

/// Puts component.wasm into a folder: `out`, or `<target>/<program>/<profile>`.
pub fn build(program: &Program, profile: Profile, out: Option<&Path>) -> Result<Vec<PathBuf>> {
    let workspace = program.workspace()?;
    // The linker for this target makes a component, and no further tool takes part: wasm-opt
    // does not know components.
    let compiled = Toolchain::required()?.build(Target::Spin, &workspace, program, profile)?;
    let component = program.result(&workspace, profile, out)?.join("component.wasm");
    fs::copy(compiled, &component)?;
    Ok(vec![component])
}
