//! What is made once an instance: configuration, routes, logging.

use std::{collections::HashMap, io, sync::OnceLock};

use spin_sdk::variables;
use trireme::{App, Product};
use trireme_core::{
    config::{
        Config, Faults, Platform,
        variables::{Variable, names, warn_of_ignored},
    },
    logging,
};

use crate::{host::SpinHost, platform::now};

/// `None` when the configuration is at fault; the log has named the faults.
pub async fn get<P: Product>() -> Option<&'static App<SpinHost>> {
    static APP: OnceLock<Option<App<SpinHost>>> = OnceLock::new();
    if let Some(app) = APP.get() {
        return app.as_ref();
    }
    let set = read(P::VARIABLES).await;
    APP.get_or_init(|| match configure(&set, P::VARIABLES) {
        Ok(config) => {
            logging::start(&config.log, false, now, io::stdout);
            warn_of_ignored(|name| set.contains_key(name));
            Some(App::new::<P>(config))
        }
        Err(faults) => {
            eprintln!("{faults}");
            None
        }
    })
    .as_ref()
}

/// Spin's variables have the contract's names in lower case: `jwt_secret`.
async fn read(product: &'static [Variable]) -> HashMap<&'static str, String> {
    let mut set = HashMap::new();
    for name in names(product) {
        // One that the manifest does not pass to the component counts as unset.
        match variables::get(name.to_ascii_lowercase()).await {
            Ok(value) if !value.is_empty() => set.insert(name, value),
            _ => None,
        };
    }
    set
}

fn configure(set: &HashMap<&str, String>, product: &'static [Variable]) -> Result<Config, Faults> {
    let platform = Platform { bindings: &["spin"], spare: None };
    Config::from_variables(|name| set.get(name).cloned(), &platform, product)
}
