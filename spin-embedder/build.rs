//! Writes the bindings' one invocation of `bindgen!`, which takes its WIT from a literal path: that of
//! the spin-sdk which Cargo.lock names. So the embedder's interfaces are those components are built
//! with, and a new SDK that changes one stops this crate from compiling.
#![expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script everything by variables"
)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Resources are held as the types that `with` names; every function may trap.
const BINDINGS: &str = r#"
wasmtime::component::bindgen!({
    inline: "
        package trireme:spin-embedder;

        world host {
            import spin:key-value/key-value@3.0.0;
            import spin:postgres/postgres@4.2.0;
            import spin:sqlite/sqlite@3.1.0;
            import spin:variables/variables@3.0.0;
        }
    ",
    path: WIT,
    imports: { default: async | trappable },
    with: {
        "spin:key-value/key-value.store": crate::key_value::Store,
        "spin:postgres/postgres.connection": crate::postgres::Connection,
        "spin:postgres/postgres.connection-builder": crate::postgres::ConnectionBuilder,
        "spin:sqlite/sqlite.connection": crate::sqlite::Connection,
    },
});
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let wit = sdk()?.join("wit");
    let path = wit.to_str().ok_or("the path of spin-sdk is not UTF-8")?;
    let out = PathBuf::from(env::var("OUT_DIR")?).join("bindings.rs");
    fs::write(out, BINDINGS.replace("WIT", &format!("{path:?}")))?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../Cargo.lock");
    Ok(())
}

/// The folder of spin-sdk's sources; cargo downloads them when they are not there yet.
fn sdk() -> Result<PathBuf, Box<dyn Error>> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version=1", "--filter-platform=wasm32-wasip2"])
        .arg("--manifest-path")
        .arg(Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("Cargo.toml"))
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    metadata["packages"]
        .as_array()
        .and_then(|it| it.iter().find(|package| package["name"] == "spin-sdk"))
        .and_then(|package| package["manifest_path"].as_str())
        .and_then(|manifest| Path::new(manifest).parent())
        .map(Into::into)
        .ok_or_else(|| "spin-sdk is not among the workspace's packages".into())
}
