use std::path::{Path, PathBuf};
use std::process::Command;

use trireme_testbed::find_program;

use crate::tools::{self, CARGO_DENY};
use crate::{Result, edge, npm, page, ui};

/// Install what the tests need and is not there yet
///
/// From the packages of Debian 12, Ubuntu 24.04 or later (as root or through sudo):
/// PostgreSQL, PgBouncer and aiosmtpd, whose programs the tests run on ports and in folders of their
/// own; the packages' system services are not used and may be stopped. Chromium, unless it or
/// Chrome is there (Ubuntu has it as a snap alone: install one by hand). From crates.io, into
/// the user's cache folder: cargo-deny, and wasm-bindgen for the Worker. From rustup: rustfmt,
/// clippy, and the standard library for the edge hosts; where rustup cannot have that, Debian's
/// compiler for WASM beside it. From npm, into node_modules of worker-host and xtask/page: what builds and runs
/// the Worker, and what drives the browser. Node.js has to be there. On other systems it says what to install and exits 1.
#[derive(clap::Args, Default)]
pub struct Arguments {
    /// Also what `cargo xtask bench` needs: the load generator wrk
    #[arg(long)]
    pub bench: bool,
}

/// Something that comes from the system's packages, known by its program.
struct Package {
    /// What it may be called.
    programs: &'static [&'static str],
    debian: &'static str,
    what: &'static str,
}

const FOR_TESTS: [Package; 4] = [
    Package {
        programs: &["initdb"],
        debian: "postgresql",
        what: "PostgreSQL's server, 15 or later",
    },
    Package { programs: &["pgbouncer"], debian: "pgbouncer", what: "PgBouncer" },
    Package {
        programs: &["aiosmtpd"],
        debian: "python3-aiosmtpd",
        what: "aiosmtpd, a mail server: 1.4.3 or later",
    },
    Package { programs: page::BROWSERS, debian: "chromium", what: "Chromium or Chrome" },
];
const FOR_BENCH: [Package; 1] =
    [Package { programs: &["wrk"], debian: "wrk", what: "the load generator wrk, 4 or later" }];

impl Package {
    fn find(&self) -> Option<PathBuf> {
        self.programs.iter().find_map(|program| find_program(program).ok())
    }
}

pub fn run(arguments: &Arguments) -> Result<()> {
    // First what may be up to the user: it should not come out after minutes of building.
    npm::setup()?;
    let wanted =
        FOR_TESTS.iter().chain(arguments.bench.then_some(&FOR_BENCH).into_iter().flatten());
    let (present, missing): (Vec<_>, Vec<_>) = wanted.partition(|it| it.find().is_some());
    for package in present {
        eprintln!("{} is there", package.debian);
    }
    if !missing.is_empty() {
        install(&missing)?;
    }
    for component in ["rustfmt", "clippy"] {
        add_component(component)?;
    }
    CARGO_DENY.install()?;
    edge::setup()
}

fn install(missing: &[&Package]) -> Result<()> {
    if !Path::new("/usr/bin/apt-get").is_file() {
        let list = missing
            .iter()
            .map(|it| format!("\n  {} (the program {})", it.what, it.programs.join(" or ")));
        return Err(
            format!("please install, so that it is in PATH:{}", list.collect::<String>()).into()
        );
    }
    apt_get(&["update", "--quiet"])?;
    let mut install = vec!["install", "--quiet", "--yes", "--no-install-recommends"];
    install.extend(missing.iter().map(|it| it.debian));
    apt_get(&install)?;
    missing.iter().try_for_each(|it| {
        let found = it.find();
        found.map(drop).ok_or_else(|| format!("{} has no {}", it.debian, it.programs[0]).into())
    })
}

/// As root.
pub fn apt_get(arguments: &[&str]) -> Result<()> {
    ui::run(as_root()?.arg("apt-get").args(arguments))
}

/// `env`, through sudo where that is needed; what to run follows as arguments.
fn as_root() -> Result<Command> {
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("env")
    } else {
        let sudo = find_program("sudo")
            .map_err(|_| "installing packages needs root or sudo; run this as root once")?;
        let mut command = Command::new(sudo);
        command.arg("env");
        command
    };
    command.arg("DEBIAN_FRONTEND=noninteractive");
    Ok(command)
}

/// A minimal Rust toolchain comes without them.
fn add_component(name: &str) -> Result<()> {
    let subcommand = name.trim_start_matches("rust");
    let there =
        tools::cargo().args([subcommand, "--version"]).output().is_ok_and(|it| it.status.success());
    if there {
        return Ok(());
    }
    ui::run(Command::new("rustup").args(["component", "add", name]))
}
