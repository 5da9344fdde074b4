//! The page at /docs in a browser, and frontends of other origins: `xtask/page`.

use std::process::Command;

use trireme_testbed::{Server, ServerOptions, find_program, free_port};

use crate::cell::{Host, Programs};
use crate::edge::Profile;
use crate::{Result, npm, root, ui};

/// What Chromium and Chrome are called.
pub const BROWSERS: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

pub fn run() -> Result<()> {
    let browser = BROWSERS.iter().find_map(|name| find_program(name).ok());
    let browser = browser.ok_or_else(|| {
        format!("there is no browser ({}); `cargo xtask setup` installs one", BROWSERS.join(", "))
    })?;
    let programs = Programs::build(&[Host::Native], Profile::Debug, false)?;
    let (listed, unlisted) = (free_port()?, free_port()?);
    let server = Server::start(
        ServerOptions::new(&programs.trireme)
            .env("DATABASE_URL", "sqlite://trireme.sqlite3")
            .env("CORS_ORIGINS", format!("http://127.0.0.1:{listed}"))
            .env("BCRYPT_COST", "4")
            .env("RATE_LIMIT_AUTH_PER_ADDRESS", "10000/60s")
            .env("RATE_LIMIT_AUTH_PER_ACCOUNT", "10000/60s"),
    )?;
    ui::run(
        Command::new("node")
            .arg(root().join(npm::PAGE).join("main.mjs"))
            .env("BROWSER", browser)
            .env("SERVER", server.url())
            .env("LISTED_PORT", listed.to_string())
            .env("UNLISTED_PORT", unlisted.to_string()),
    )
}
