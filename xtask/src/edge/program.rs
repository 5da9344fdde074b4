//! What is built for an edge host, and how much is made of it.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use super::workspace::Workspace;
use crate::Result;

/// A package that runs on an edge host.
pub struct Program {
    pub package: Cow<'static, str>,
    /// The workspace that it is in.
    root: Option<PathBuf>,
    /// In the target folder, for the result.
    folder: &'static str,
    pub features: &'static [&'static str],
}

impl Program {
    pub const fn new(package: &'static str, folder: &'static str) -> Self {
        Self { package: Cow::Borrowed(package), root: None, folder, features: &[] }
    }

    /// A product's own, in a workspace of its own.
    pub fn of_product(root: &Path, host: &str, folder: &'static str) -> Result<Self> {
        let package = Workspace::at(root)?.package_on(host)?.into();
        Ok(Self { package, root: Some(root.to_owned()), folder, features: &[] })
    }

    pub fn workspace(&self) -> Result<Workspace> {
        self.root.as_deref().map_or_else(Workspace::read, Workspace::at)
    }

    /// The same, which panics where a request asks for it.
    pub fn faulty(self, folder: &'static str) -> Self {
        Self { features: &["fault-injection"], folder, ..self }
    }

    /// The folder for what is built: `out`, or `<target>/<program>/<profile>`.
    pub fn result(
        &self,
        workspace: &Workspace,
        profile: Profile,
        out: Option<&Path>,
    ) -> Result<PathBuf> {
        let folder = out.map_or_else(
            || workspace.target_directory.join(self.folder).join(profile.name()),
            Path::to_owned,
        );
        fs::create_dir_all(&folder)
            .map_err(|error| format!("creating {}: {error}", folder.display()))?;
        Ok(folder)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Debug,
    Release,
}

impl Profile {
    const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}
