//! `spin:variables`, and the templates in a manifest that refer to an application's variables.

use std::collections::BTreeMap;
use std::env;

use wasmtime::component::{Accessor, HasData};
use wasmtime::error::Context as _;
use wasmtime::{Result, bail, ensure};

use crate::bindings::spin::variables::variables::{Error, Host, HostWithStore};
use crate::manifest::{Manifest, Variable};
use crate::store::State;

/// The application's variables and what the component's templates make of them.
pub struct Variables {
    values: BTreeMap<String, String>,
    templates: BTreeMap<String, String>,
    component: String,
}

impl Variables {
    /// A value given on the command line counts first, then the environment's
    /// `SPIN_VARIABLE_NAME`, then the default. Without any, Spin does not start, nor does this.
    pub fn resolve(manifest: &Manifest, given: &[(String, String)]) -> Result<Self> {
        let (component, declared) = manifest.component()?;
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, variable) in &manifest.variables {
            check_name(name)?;
            match value(name, variable, given)? {
                Some(value) => drop(values.insert(name.clone(), value)),
                None => missing.push(name),
            }
        }
        ensure!(
            missing.is_empty(),
            "no provider resolved required variable(s): {missing:?}; give each by --variable \
             NAME=VALUE or as SPIN_VARIABLE_NAME in the environment"
        );
        declared.variables.keys().try_for_each(|it| check_name(it))?;
        let templates = declared.variables.clone();
        let variables = Self { values, templates, component: component.to_owned() };
        variables.templates.values().try_for_each(|it| variables.fill(it).map(drop))?;
        Ok(variables)
    }

    /// Puts values where the template says `{{ name }}`.
    pub fn fill(&self, template: &str) -> Result<String> {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after
                .split_once("}}")
                .with_context(|| format!("unmatched '{{{{' in template {template:?}"))?;
            let name = name.trim();
            let value = self.values.get(name);
            filled.push_str(before);
            filled.push_str(value.with_context(|| format!("unknown variable {name:?}"))?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn get(&self, name: &str) -> Result<String, Error> {
        check_name(name).map_err(|it| Error::InvalidName(it.to_string()))?;
        let undefined =
            || Error::Undefined(format!("no variable for {:?}.{name:?}", self.component));
        let template = self.templates.get(name).ok_or_else(undefined)?;
        self.fill(template).map_err(|it| Error::Other(it.to_string()))
    }
}

fn value(name: &str, variable: &Variable, given: &[(String, String)]) -> Result<Option<String>> {
    if let Some((_, value)) = given.iter().rfind(|(it, _)| it == name) {
        return Ok(Some(value.clone()));
    }
    let key = format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase());
    match env::var(&key) {
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(variable.default.clone()),
        Err(error) => Err(error).with_context(|| format!("reading {key}")),
    }
}

/// Names also serve as parts of environment variables and of files, hence Spin's rules.
fn check_name(name: &str) -> Result<()> {
    let known = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    let reason = if name.is_empty() {
        "must not be empty".to_owned()
    } else if let Some(unknown) = name.chars().find(|it| !known(*it)) {
        format!("invalid character {unknown:?}")
    } else if !name.starts_with(|it: char| it.is_ascii_lowercase()) {
        "must start with a lowercase letter".to_owned()
    } else if name.ends_with('_') || name.contains("__") {
        "has an underscore at its end or two in a row".to_owned()
    } else {
        return Ok(());
    };
    bail!("{name:?}: {reason}")
}

pub struct Interface;

impl HasData for Interface {
    type Data<'a> = &'a mut State;
}

impl Host for State {}

impl<T: Send> HostWithStore<T> for Interface {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> Result<Result<String, Error>> {
        Ok(accessor.with(|mut it| it.get().app.variables.get(&name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Variables {
            values: [("host", "db"), ("port", "5")].map(|(k, v)| (k.into(), v.into())).into(),
            templates: [("url".into(), "postgres://{{ host }}:{{port}}/a".into())].into(),
            component: "c".into(),
        }
    }

    #[test]
    fn templates() {
        let variables = variables();
        assert_eq!(variables.get("url").unwrap(), "postgres://db:5/a");
        assert_eq!(variables.fill("plain }}").unwrap(), "plain }}");
        assert!(variables.fill("{{ host").is_err());
        assert!(variables.fill("{{ other }}").is_err());
    }

    #[test]
    fn what_a_component_is_refused() {
        let variables = variables();
        assert!(matches!(variables.get("Url"), Err(Error::InvalidName(_))));
        assert!(matches!(variables.get("a__b"), Err(Error::InvalidName(_))));
        // Of the application, not of the component.
        assert!(matches!(variables.get("host"), Err(Error::Undefined(_))));
    }
}
