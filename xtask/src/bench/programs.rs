use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use trireme_testbed::{Folder, Server, ServerOptions};

use super::Target;
use crate::tools::cargo;
use crate::{Result, ui};

/// Release builds of what is measured.
pub struct Programs {
    trireme: PathBuf,
    bare: PathBuf,
}

pub fn build() -> Result<Programs> {
    ui::run(cargo().args([
        "build",
        "--release",
        "-p",
        "trireme-tasks-native",
        "-p",
        "trireme-bench",
    ]))?;
    let release = target_folder()?.join("release");
    Ok(Programs { trireme: release.join("trireme"), bare: release.join("bare") })
}

impl Programs {
    /// The `trireme` command.
    pub fn command(&self) -> &Path {
        &self.trireme
    }

    /// Trireme as in production, but for the redirect to HTTPS, which would answer everything.
    pub fn trireme(&self, database_url: &str) -> ServerOptions {
        ServerOptions::new(&self.trireme)
            .env("ENVIRONMENT", "production")
            .env("ENFORCE_HTTPS", "false")
            .env("CORS_ORIGINS", "https://bench.example")
            .env("JWT_SECRET", "3jZ8qT1vLw6Ks0Yx5Rb9Nc2Mf7Hg4Pd-of-a-benchmark")
            .env("ACCESS_TOKEN_TTL_SECONDS", "86400")
            .env("DATABASE_URL", database_url)
    }

    /// Trireme on a file of SQLite, which production refuses.
    pub fn trireme_on_sqlite(&self, folder: &Folder) -> ServerOptions {
        let file = folder.path().join("bench.sqlite3");
        self.trireme(&format!("sqlite://{}", file.display()))
            .env("ENVIRONMENT", "staging")
            .env("LOG_FORMAT", "json")
    }

    pub fn bare(&self) -> ServerOptions {
        ServerOptions::new(&self.bare)
    }
}

pub fn target(name: &'static str, server: &Server, path: &str) -> Target {
    Target { name, url: format!("{}{path}", server.url()), token: None, process: server.id() }
}

fn target_folder() -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .stderr(Stdio::inherit())
        .output()?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    Ok(metadata.target_directory)
}
