use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use trireme_testbed::{Folder, Server, ServerOptions};

use super::Target;
use crate::tools::cargo;
use crate::{Result, ui};

/// Release builds of what is measured, and of what measures.
#[derive(Clone)]
pub struct Programs {
    trireme: PathBuf,
    release: PathBuf,
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
    Ok(Programs { trireme: release.join("trireme"), release })
}

impl Programs {
    /// Signs the tokens of all that is measured.
    pub const SECRET: &str = "3jZ8qT1vLw6Ks0Yx5Rb9Nc2Mf7Hg4Pd-of-a-benchmark";

    /// The `trireme` command.
    pub fn command(&self) -> &Path {
        &self.trireme
    }

    /// Trireme as in production, but for the redirect to HTTPS, which would answer everything, and
    /// for an address's share of the connections: all come from one.
    pub fn trireme(&self, database_url: &str) -> ServerOptions {
        ServerOptions::new(&self.trireme)
            .env("ENVIRONMENT", "production")
            .env("ENFORCE_HTTPS", "false")
            .env("CONNECTIONS_PER_ADDRESS", "10000")
            .env("CORS_ORIGINS", "https://bench.example")
            .env("JWT_SECRET", Self::SECRET)
            .env("ACCESS_TOKEN_TTL_SECONDS", "86400")
            .env("DATABASE_URL", database_url)
    }

    /// Trireme on a file of SQLite, which production refuses.
    pub fn trireme_on_sqlite(&self, folder: &Folder) -> ServerOptions {
        self.trireme(&sqlite_url(folder)).env("ENVIRONMENT", "staging").env("LOG_FORMAT", "json")
    }

    pub fn bare(&self) -> ServerOptions {
        ServerOptions::new(self.tool("bare"))
    }

    /// A program of the folder `bench`.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.release.join(name)
    }

    /// The same with another build of Trireme.
    pub fn with_trireme(&self, trireme: PathBuf) -> Self {
        Self { trireme, ..self.clone() }
    }
}

/// Of the file that Trireme is given there.
pub fn sqlite_url(folder: &Folder) -> String {
    format!("sqlite://{}", folder.path().join("bench.sqlite3").display())
}

pub fn target(name: &'static str, server: &Server, path: &str) -> Target {
    let url = format!("{}{path}", server.url());
    Target { name, url, token: None, process: server.id(), script: None }
}

pub fn target_folder() -> Result<PathBuf> {
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
