//! What is made once an instance: configuration, routes, logging.

use std::{collections::HashMap, io, sync::OnceLock};

use handlers::App;
use shared::{
    config::{Config, Faults, Platform, variables::VARIABLES},
    logging,
};
use spin_sdk::variables;

use crate::host::now;

/// `None` when the configuration is at fault; the log has named the faults.
pub async fn get() -> Option<&'static App> {
    static APP: OnceLock<Option<App>> = OnceLock::new();
    if let Some(app) = APP.get() {
        return app.as_ref();
    }
    let config = read().await;
    APP.get_or_init(|| match config {
        Ok(config) => {
            logging::start(&config.log, false, now, io::stdout);
            Some(App::new(config))
        }
        Err(faults) => {
            eprintln!("{faults}");
            None
        }
    })
    .as_ref()
}

/// Spin's variables have the contract's names in lower case: `jwt_secret`.
async fn read() -> Result<Config, Faults> {
    let mut set = HashMap::new();
    for variable in VARIABLES {
        // One that the manifest does not pass to the component counts as unset.
        if let Ok(value) = variables::get(variable.name.to_ascii_lowercase()).await {
            set.insert(variable.name, value);
        }
    }
    let platform = Platform { bindings: &["spin"], spare: None };
    let config = Config::from_variables(|name| set.get(name).cloned(), &platform);
    logging::check_level(config, set.get("LOG_LEVEL").cloned())
}
