//! What keeps it from starting.

use std::process::{Command, Output};

use trireme_testbed::Folder;

use crate::support::{BINARY, MANIFEST};

fn up(manifest: &str, arguments: &[&str]) -> Output {
    let folder = Folder::new().unwrap();
    std::fs::write(folder.path().join("spin.toml"), manifest).unwrap();
    std::fs::write(folder.path().join("nowhere.wasm"), "no component").unwrap();
    Command::new(BINARY).arg("up").args(arguments).current_dir(folder.path()).output().unwrap()
}

fn refused(manifest: &str, arguments: &[&str], reason: &str) {
    let output = up(manifest, arguments);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(reason), "{text}");
}

const GIVEN: [&str; 2] = ["--variable", "database_url=x"];

#[test]
fn a_required_variable_is_missing() {
    refused(MANIFEST, &[], r#"no provider resolved required variable(s): ["database_url"]"#);
}

#[test]
fn no_component() {
    refused(MANIFEST, &GIVEN, "is no component that can be loaded");
}

#[test]
fn no_manifest() {
    refused(MANIFEST, &["--from", "other.toml"], "name the manifest with --from");
}

#[test]
fn an_undefined_database() {
    let manifest =
        MANIFEST.replace(r#"sqlite_databases = ["default"]"#, r#"sqlite_databases = ["a"]"#);
    refused(&manifest, &GIVEN, "--sqlite a=FILE");
}

#[test]
fn help_without_arguments() {
    let output = Command::new(BINARY).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("Usage"));
}
