//! From a crate to a component for Spin.

use std::fs;
use std::path::{Path, PathBuf};

use super::program::{Profile, Program};
use super::toolchain::{Target, Toolchain};
use super::wasm_opt::optimize;
use crate::{Result, npm};

/// Puts component.wasm into a folder: `out`, or `<target>/<program>/<profile>`.
pub fn build(program: &Program, profile: Profile, out: Option<&Path>) -> Result<Vec<PathBuf>> {
    let workspace = program.workspace()?;
    // The linker for this target makes a component.
    let compiled = Toolchain::required()?.build(Target::Spin, &workspace, program, profile)?;
    let component = program.result(&workspace, profile, out)?.join("component.wasm");
    match (profile, npm::program("wasm-opt")) {
        (Profile::Release, Ok(_)) => fs::write(&component, optimized(&compiled)?)?,
        (Profile::Release, Err(error)) => {
            eprintln!("a tenth larger than it could be: {error}");
            fs::copy(compiled, &component)?;
        }
        (Profile::Debug, _) => drop(fs::copy(compiled, &component)?),
    }
    Ok(vec![component])
}

/// The component with smaller modules. wasm-opt does not know components, but a module stands in
/// one as it is: a section of its own, and what is around it goes by the names of its imports and
/// exports, which stay.
fn optimized(component: &Path) -> Result<Vec<u8>> {
    const MODULE: u8 = 1;
    let text = fs::read(component)?;
    let (preamble, mut rest) = text.split_at_checked(8).ok_or("the component is cut short")?;
    let mut smaller = preamble.to_vec();
    while let Some((&kind, after)) = rest.split_first() {
        let (length, after) = length(after).ok_or("a section's length is no number")?;
        let (section, after) = after.split_at_checked(length).ok_or("a section is cut short")?;
        let section =
            if kind == MODULE { smaller_module(component, section)? } else { section.to_vec() };
        smaller.push(kind);
        push_length(&mut smaller, section.len());
        smaller.extend(section);
        rest = after;
    }
    Ok(smaller)
}

fn smaller_module(component: &Path, module: &[u8]) -> Result<Vec<u8>> {
    let [from, to] = ["module.wasm", "smaller.wasm"].map(|it| component.with_extension(it));
    fs::write(&from, module)?;
    optimize(&from, &to)?;
    Ok(fs::read(to)?)
}

/// A number in LEB128, and what follows it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let last = bytes.iter().take(5).position(|byte| byte & 0x80 == 0)?;
    let (number, rest) = bytes.split_at(last + 1);
    let length =
        number.iter().rev().fold(0, |length, byte| (length << 7) | usize::from(byte & 0x7f));
    Some((length, rest))
}

fn push_length(bytes: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
}
