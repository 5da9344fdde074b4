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
    pub series: Series,
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
            series: trireme::series::<P>(),
            variables: P::VARIABLES,
            maintenance: P::MAINTENANCE,
            checks,
        }
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
