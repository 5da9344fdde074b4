//! What cells run.

use std::path::{Path, PathBuf};

use trireme_testbed::find_program;

use super::Host;
use crate::edge::{self, Profile, Workspace};
use crate::tools::cargo;
use crate::{Result, root, ui};

/// Built for all hosts that were asked for.
pub struct Programs {
    /// Serves on the native host, and migrates for all.
    pub trireme: PathBuf,
    /// The folder with the Worker's two files.
    pub worker: Option<PathBuf>,
    pub spin: Option<Spin>,
    /// What D1 is migrated by.
    pub migrations: PathBuf,
}

pub struct Spin {
    pub component: PathBuf,
    pub manifest: PathBuf,
    /// `spin`, or what stands in for it; both take the same arguments.
    pub command: PathBuf,
}

impl Programs {
    /// With `faults`, edge hosts panic where a request asks for it.
    pub fn build(hosts: &[Host], profile: Profile, faults: bool) -> Result<Self> {
        // What serves is built as asked for; what only migrates or stands in for Spin, fast.
        let release = profile == Profile::Release && hosts.contains(&Host::Native);
        let folder = if release { "release" } else { "debug" };
        let folder = Workspace::read()?.target_directory.join(folder);
        let installed = find_program("spin").ok();
        let embed = hosts.contains(&Host::Spin) && installed.is_none();

        let mut build = cargo();
        build.args(["build", "--bin", "trireme"]);
        if release {
            build.args(["--release", "-p", "trireme-tasks-native"]);
        } else {
            // With the features that the tests build with, so that they are not built twice.
            build.arg("--workspace");
        }
        if embed {
            build.args(["--bin", "spin-embedder", "-p", "trireme-spin-embedder"]);
        }
        ui::run(&mut build)?;

        let worker = hosts.contains(&Host::Workers).then(|| edge::build_worker(profile, faults));
        let spin = hosts.contains(&Host::Spin).then(|| {
            let command = installed.unwrap_or_else(|| folder.join("spin-embedder"));
            Ok::<_, Box<dyn std::error::Error>>(Spin {
                component: edge::build_spin(profile, faults)?,
                manifest: root().join("spin.toml"),
                command,
            })
        });
        Ok(Self {
            trireme: folder.join("trireme"),
            worker: worker.transpose()?,
            spin: spin.transpose()?,
            migrations: root().join("tasks/migrations/d1"),
        })
    }

    /// Of a product in a workspace of its own, whose command is built already.
    pub fn of_product(product: &Path, command: PathBuf) -> Result<Self> {
        let spin = if let Ok(installed) = find_program("spin") {
            installed
        } else {
            ui::run(cargo().args(["build", "--workspace", "--bin", "spin-embedder"]))?;
            Workspace::read()?.target_directory.join("debug/spin-embedder")
        };
        Ok(Self {
            trireme: command,
            worker: Some(edge::build_product_worker(product)?),
            spin: Some(Spin {
                component: edge::build_product_spin(product)?,
                manifest: product.join("spin.toml"),
                command: spin,
            }),
            migrations: product.join("migrations/d1"),
        })
    }
}
