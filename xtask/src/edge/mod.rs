//! What runs on the edge hosts: how it is built.

mod debian;
mod program;
mod spin;
mod toolchain;
mod wasm_opt;
mod worker;
mod workspace;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::tools::{WASM_BINDGEN, WASM_COMPONENT_LD, cargo};
use crate::{Result, root, ui};
pub use program::Profile;
use program::Program;
use toolchain::{Target, Toolchain};
pub use workspace::Workspace;

/// Build what runs on an edge host
///
/// Says at its end where the result is. `cargo xtask setup` installs what this needs. The first
/// build also builds Rust's standard library, which takes about a minute.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    edge: Edge,
}

#[derive(Subcommand)]
enum Edge {
    /// The Worker for Cloudflare: index.js and index_bg.wasm
    ///
    /// `wrangler dev` and `wrangler deploy` call this by themselves, being told so by
    /// wrangler.toml (`[build]`). Anything else that runs Workers, such as Miniflare or
    /// `workerd serve`, takes the two files as its modules, index.js first.
    Workers(Options),
    /// The component for Spin: component.wasm
    ///
    /// `spin build` and `spin up --build` call this by themselves, being told so by spin.toml.
    Spin(Options),
}

#[derive(clap::Args)]
struct Options {
    /// For production: takes longer to build and is a fraction of the size
    #[arg(long)]
    release: bool,
    /// Where the result goes, instead of cargo's target folder: from the root of the workspace or the
    /// product, wherever wrangler or spin call this from
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// The folder of a product on Trireme, whose program is built instead of the reference product's
    #[arg(long, value_name = "FOLDER", conflicts_with = "hello")]
    product: Option<PathBuf>,
    /// Build what only says hello (in bench/), the least that can be measured on this host
    #[arg(long)]
    hello: bool,
}

/// The packages of the hosts, that a product's programs depend on.
const HOSTS: [&str; 2] = ["trireme-workers", "trireme-spin"];

pub const WORKER: Program = Program::new("trireme-tasks-worker", "worker");
pub const HELLO_WORKER: Program = Program::new("trireme-hello-worker", "hello-worker");
pub const SPIN: Program = Program::new("trireme-tasks-spin", "spin");
/// What the test embedder's own tests run.
const PROBE: Program = Program::new("trireme-spin-probe", "spin-probe");
pub const HELLO_SPIN: Program = Program::new("trireme-hello-spin", "hello-spin");

/// The folder with the Worker's two files.
pub fn build_worker(profile: Profile, faults: bool) -> Result<PathBuf> {
    let program = if faults { WORKER.faulty("faulty-worker") } else { WORKER };
    let built = worker::build(&program, profile, None)?;
    Ok(built[0].parent().unwrap_or(Path::new(".")).to_owned())
}

/// The component's file.
pub fn build_spin(profile: Profile, faults: bool) -> Result<PathBuf> {
    let program = if faults { SPIN.faulty("faulty-spin") } else { SPIN };
    Ok(spin::build(&program, profile, None)?.remove(0))
}

/// A product's own Worker, for development: its folder.
pub fn build_product_worker(product: &Path) -> Result<PathBuf> {
    let program = Program::of_product(product, HOSTS[0], "product-worker")?;
    let built = worker::build(&program, Profile::Debug, None)?;
    Ok(built[0].parent().unwrap_or(Path::new(".")).to_owned())
}

/// A product's own component, for development.
pub fn build_product_spin(product: &Path) -> Result<PathBuf> {
    let program = Program::of_product(product, HOSTS[1], "product-spin")?;
    Ok(spin::build(&program, Profile::Debug, None)?.remove(0))
}

/// What the Worker and the component are measured against.
pub fn build_hello_worker() -> Result<PathBuf> {
    let built = worker::build(&HELLO_WORKER, Profile::Release, None)?;
    Ok(built[0].parent().unwrap_or(Path::new(".")).to_owned())
}

pub fn build_hello_spin() -> Result<PathBuf> {
    Ok(spin::build(&HELLO_SPIN, Profile::Release, None)?.remove(0))
}

/// The component that the test embedder is tested with.
pub fn build_probe() -> Result<PathBuf> {
    Ok(spin::build(&PROBE, Profile::Debug, None)?.remove(0))
}

/// What is compiled for the edge hosts alone: to a native compiler these packages are empty.
pub fn clippy() -> Result<()> {
    if Toolchain::required()? == Toolchain::Debian {
        eprintln!("NOT CHECKED: clippy of the edge hosts' own packages needs rustup's compiler");
        return Ok(());
    }
    let workers = (Target::Workers, HOSTS[0], &[WORKER, HELLO_WORKER][..]);
    let spin = (Target::Spin, HOSTS[1], &[SPIN, HELLO_SPIN, PROBE][..]);
    for (target, host, programs) in [workers, spin] {
        let programs = programs.iter().map(|program| &*program.package);
        let packages = programs.chain([host]).flat_map(|package| ["--package", package]);
        ui::run(
            cargo()
                .args(["clippy", "--lib", "--target", target.triple()])
                .args(packages)
                .args(["--", "-D", "warnings"]),
        )?;
    }
    Ok(())
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let (Edge::Workers(options) | Edge::Spin(options)) = &arguments.edge;
    let profile = if options.release { Profile::Release } else { Profile::Debug };
    let product = options.product.as_ref().map(std::path::absolute).transpose()?;
    let folder = product.as_deref().unwrap_or_else(|| root());
    let out = options.out.as_ref().map(|out| folder.join(out));
    let out = out.as_deref();
    if let Some(product) = &product {
        let built = match &arguments.edge {
            Edge::Workers(_) => worker::build(
                &Program::of_product(product, HOSTS[0], "product-worker")?,
                profile,
                out,
            ),
            Edge::Spin(_) => {
                spin::build(&Program::of_product(product, HOSTS[1], "product-spin")?, profile, out)
            }
        }?;
        return built.iter().try_for_each(|file| report(file));
    }
    let built = match (&arguments.edge, options.hello) {
        (Edge::Workers(_), false) => worker::build(&WORKER, profile, out),
        (Edge::Workers(_), true) => worker::build(&HELLO_WORKER, profile, out),
        (Edge::Spin(_), false) => spin::build(&SPIN, profile, out),
        (Edge::Spin(_), true) => spin::build(&HELLO_SPIN, profile, out),
    }?;
    built.iter().try_for_each(|file| report(file))
}

/// In bytes, by gzip.
pub fn compressed(file: &Path) -> Result<usize> {
    let mut compressed = GzEncoder::new(Vec::new(), Compression::best());
    compressed.write_all(&std::fs::read(file)?)?;
    Ok(compressed.finish()?.len())
}

/// Hosts limit and load the compressed size.
fn report(file: &Path) -> Result<()> {
    let size = std::fs::metadata(file)?.len() as usize;
    let kilobytes = |bytes: usize| bytes.div_ceil(1000);
    eprintln!(
        "built {}: {} kB, compressed {} kB",
        file.display(),
        kilobytes(size),
        kilobytes(compressed(file)?)
    );
    Ok(())
}

/// Installs what building for the edge hosts and running the result needs.
pub fn setup() -> Result<()> {
    if toolchain::setup()? == Toolchain::Debian {
        WASM_COMPONENT_LD.install()?;
    }
    WASM_BINDGEN.install()
}
