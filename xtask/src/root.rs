//! Which checkout this command works on.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The workspace's folder, found when the command runs: checkouts that share a target folder
/// share its programs too, so the folder that this one was built in may be another's.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        // What `cargo run` says of the checkout that it was called in.
        let told = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let here = std::env::current_dir().unwrap_or_default();
        told.as_deref().and_then(above).or_else(|| above(&here)).unwrap_or(here)
    });
    &ROOT
}

/// The nearest folder, this one or one above it, that holds the workspace.
fn above(folder: &Path) -> Option<PathBuf> {
    let holds = |folder: &&Path| folder.join("xtask/Cargo.toml").is_file();
    folder.ancestors().find(holds).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_checkout_is_found_from_any_folder_of_it() {
        let folder = trireme_testbed::Folder::new().unwrap();
        let checkout = folder.path().join("another");
        fs::create_dir_all(checkout.join("xtask/src")).unwrap();
        fs::write(checkout.join("xtask/Cargo.toml"), "").unwrap();
        for place in ["", "xtask", "xtask/src"] {
            assert_eq!(above(&checkout.join(place)), Some(checkout.clone()), "{place}");
        }
        assert_eq!(above(folder.path()), None);
        assert!(root().join("xtask/src/root.rs").is_file());
    }
}
