//! What an isolate makes once, at its first request, and all its requests share.

use std::sync::OnceLock;

use js_sys::Reflect;
use trireme::{App, Product};
use trireme_core::config::{Config, Faults, Platform, variables::warn_of_ignored};
use wasm_bindgen::JsValue;
use worker::{Env, console_error};

use crate::{database::Way, host::WorkerHost, log};

const PLATFORM: Platform = Platform { bindings: &["d1", "hyperdrive"], spare: None };

pub struct Isolate {
    pub app: App<WorkerHost>,
    pub way: Way,
}

static ISOLATE: OnceLock<Option<Isolate>> = OnceLock::new();

/// `None` when the configuration has faults: there is no start that could be refused, so they
/// are logged once, by name, and every request is answered 500.
pub fn of<P: Product>(env: &Env) -> Option<&'static Isolate> {
    let start = || Isolate::start::<P>(env).inspect_err(|faults| console_error!("{faults}")).ok();
    ISOLATE.get_or_init(start).as_ref()
}

impl Isolate {
    fn start<P: Product>(env: &Env) -> Result<Self, Faults> {
        let lookup = |name: &str| variable(env, name);
        let config = Config::from_variables(lookup, &PLATFORM, P::VARIABLES)?;
        let way = Way::find(&config.database, env).map_err(|fault| Faults(vec![fault]))?;
        log::start(&config.log);
        warn_of_ignored(|name| variable(env, name).is_some());
        Ok(Self { app: App::new::<P>(config), way })
    }
}

/// A variable or a secret. A variable of `wrangler.toml` may be a number or a truth value, too.
fn variable(env: &Env, name: &str) -> Option<String> {
    let value = Reflect::get(env, &JsValue::from(name)).ok()?;
    value
        .as_string()
        .or_else(|| value.as_f64().map(|number| number.to_string()))
        .or_else(|| value.as_bool().map(|flag| flag.to_string()))
}
