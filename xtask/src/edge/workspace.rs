//! What cargo knows about the workspace.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{Result, root, tools};

#[derive(Deserialize)]
pub struct Workspace {
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    pub target_directory: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    targets: Vec<Library>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
}

#[derive(Deserialize)]
struct Library {
    name: String,
    kind: Vec<String>,
}

impl Workspace {
    /// This checkout's own.
    pub fn read() -> Result<Self> {
        Self::at(root())
    }

    /// That of a folder.
    pub fn at(folder: &Path) -> Result<Self> {
        let output = tools::cargo()
            .current_dir(folder)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// A product's package on one of the host packages.
    pub fn package_on(&self, host: &str) -> Result<String> {
        let package = self.packages.iter().find(|it| {
            let is_library = |library: &Library| library.kind.iter().any(|kind| kind == "cdylib");
            it.targets.iter().any(is_library) && it.dependencies.iter().any(|it| it.name == host)
        });
        let missing = || format!("{} has no cdylib that depends on {host}", self.root.display());
        Ok(package.ok_or_else(missing)?.name.clone())
    }

    /// The name that a package's program has as a file.
    pub fn library(&self, package: &str) -> Result<String> {
        let found = self.packages.iter().find(|it| it.name == package);
        let library = found.and_then(|it| {
            it.targets.iter().find(|it| it.kind.iter().any(|kind| kind == "cdylib"))
        });
        let library = library
            .ok_or_else(|| format!("the workspace has no package {package} with a cdylib"))?;
        Ok(library.name.replace('-', "_"))
    }
}
