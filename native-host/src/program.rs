//! What a program serves: a product, put into functions that commands call.

use std::{env, path::Path, sync::OnceLock};

use serde_json::Value;
use trireme::{About, App, Described, Product, maintenance::Step};
use trireme_core::{
    config::{Config, Variable},
    migrations::Series,
};
use trireme_verify::Group;

use crate::host::NativeHost;

/// A product's parts, as the commands need them.
pub struct Program {
    pub about: About,
    pub app: fn(Config) -> App<NativeHost>,
    pub document: fn() -> Value,
    pub operations: fn() -> Vec<Described>,
    /// The document as it was committed.
    pub committed: &'static [u8],
    pub series: Series,
    pub tables: &'static [&'static str],
    pub variables: &'static [Variable],
    pub maintenance: &'static [Step],
    pub checks: &'static [Group],
}

impl Program {
    pub const fn of<P: Product>(checks: &'static [Group]) -> Self {
        Self {
            about: P::ABOUT,
            app: App::new::<P>,
            document: trireme::document::<P>,
            operations: trireme::operations::<P>,
            committed: P::DOCUMENT,
            series: trireme::series::<P>(),
            tables: P::TABLES,
            variables: P::VARIABLES,
            maintenance: P::MAINTENANCE,
            checks,
        }
    }

    /// Whether the committed document is another than the code's.
    pub fn is_stale(&self) -> bool {
        let committed = serde_json::from_slice::<Value>(self.committed);
        committed.ok() != Some((self.document)())
    }
}

static NAME: OnceLock<String> = OnceLock::new();

/// The name that the program was called by, for what it says of itself.
pub fn name() -> &'static str {
    NAME.get().map_or("trireme", String::as_str)
}

/// Takes the name from the command line, if it is a plain one.
pub fn call_by_name() {
    let called = env::args_os().next();
    let called = called.as_deref().and_then(|path| Path::new(path).file_name()?.to_str());
    let plain = |name: &&str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    if let Some(name) = called.filter(plain) {
        let _ = NAME.set(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_was_not_made_anew_is_stale() {
        let mut program = Program::of::<trireme_tasks::Tasks>(&[]);
        assert!(!program.is_stale());
        for other in [&b"{}"[..], b""] {
            program.committed = other;
            assert!(program.is_stale());
        }
    }
}
