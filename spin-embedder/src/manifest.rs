//! `spin.toml`, as far as one component behind one HTTP trigger needs it. Spin refuses keys that it does
//! not know, and so does this.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use wasmtime::error::Context as _;
use wasmtime::{Result, bail, ensure};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    spin_manifest_version: u32,
    pub application: Application,
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    trigger: BTreeMap<String, Vec<Trigger>>,
    #[serde(default, rename = "component")]
    components: BTreeMap<String, Component>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    pub name: String,
    #[serde(default)]
    pub version: String,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
    #[serde(default, rename = "trigger")]
    _trigger: toml::Table,
    #[serde(default, rename = "tool")]
    _tool: toml::Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    #[serde(default)]
    pub required: bool,
    pub default: Option<String>,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "secret")]
    _secret: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trigger {
    #[serde(default, rename = "id")]
    _id: String,
    route: String,
    component: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    pub source: String,
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    #[serde(default)]
    pub sqlite_databases: Vec<String>,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "build")]
    _build: toml::Table,
    #[serde(default, rename = "tool")]
    _tool: toml::Table,
}

impl Manifest {
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{shown} can't be read; name the manifest with --from"))?;
        let manifest: Self =
            toml::from_str(&text).with_context(|| format!("{shown} is not a manifest"))?;
        manifest.check().with_context(|| format!("in {shown}"))?;
        Ok(manifest)
    }

    fn check(&self) -> Result<()> {
        ensure!(
            self.spin_manifest_version == 2,
            "spin_manifest_version is {}, and only 2 is known",
            self.spin_manifest_version
        );
        for (name, variable) in &self.variables {
            ensure!(
                variable.required != variable.default.is_some(),
                "the variable {name} must be `required` or have a `default`, not both"
            );
        }
        Ok(())
    }

    /// The one component that serves everything, with its name.
    pub fn component(&self) -> Result<(&str, &Component)> {
        let [trigger] = self.trigger.get("http").map(Vec::as_slice).unwrap_or_default() else {
            bail!("the embedder serves exactly one [[trigger.http]]");
        };
        ensure!(
            trigger.route == crate::server::ROUTE,
            "the embedder serves only route = \"{}\", not \"{}\"",
            crate::server::ROUTE,
            trigger.route
        );
        self.components
            .get_key_value(&trigger.component)
            .map(|(name, component)| (name.as_str(), component))
            .with_context(|| {
                format!("the trigger names [component.{}], which is not there", trigger.component)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Manifest> {
        let manifest: Manifest = toml::from_str(text)?;
        manifest.check()?;
        Ok(manifest)
    }

    const MINIMAL: &str = r#"
        spin_manifest_version = 2
        [application]
        name = "a"
        [[trigger.http]]
        route = "/..."
        component = "c"
        [component.c]
        source = "c.wasm"
    "#;

    #[test]
    fn minimal() {
        let manifest = parse(MINIMAL).unwrap();
        let (name, component) = manifest.component().unwrap();
        assert_eq!((name, component.source.as_str()), ("c", "c.wasm"));
    }

    #[test]
    fn what_spin_refuses() {
        for wrong in [
            MINIMAL.replace("source", "sauce"),
            MINIMAL.replace("version = 2", "version = 1"),
            format!("{MINIMAL}\n[variables]\nx = {{ }}"),
            format!("{MINIMAL}\n[variables]\nx = {{ required = true, default = \"\" }}"),
            format!("{MINIMAL}\n[variables]\nx = \"plain\""),
        ] {
            assert!(parse(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn another_route() {
        let manifest = parse(&MINIMAL.replace("/...", "/api/...")).unwrap();
        assert!(manifest.component().is_err());
    }
}
