//! `spin-embedder`: runs a component as `spin up` would, for tests where Spin is not installed. It is a
//! test double, so it copies Spin's strictness and its traps; see docs/adr/0016-spin-test-embedder.md.
#![expect(
    clippy::disallowed_methods,
    reason = "a developer tool may read clocks, the environment and start tasks"
)]

mod absent;
mod allowed_hosts;
mod bindings;
mod instances;
mod key_value;
mod logs;
mod manifest;
mod outgoing;
mod postgres;
mod server;
mod sqlite;
mod store;
mod streams;
mod variables;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use wasmtime::Result;
use wasmtime::error::Context as _;

use allowed_hosts::AllowedHosts;
use instances::Instances;
use manifest::Manifest;
use server::Server;
use store::App;
use variables::Variables;

/// Runs a Spin component in tests, where Spin itself is not installed.
///
/// It takes a component that was built with spin-sdk 7 for wasm32-wasip2, and offers what Spin 4 offers
/// it: PostgreSQL, SQLite, key-value, variables, HTTP. It is as strict as Spin about types, and leaks an
/// open transaction to the next request as Spin does. It is not for production.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Up(Up),
}

/// Serves the application until SIGTERM or Ctrl-C.
///
/// When it is ready it prints one line, "listening on http://ADDRESS". What the component writes to
/// stdout and stderr appears on those of this program, line by line.
///
/// Example: spin-embedder up --listen 127.0.0.1:0 --variable database_url=postgres://localhost/app
#[derive(Args)]
#[command(verbatim_doc_comment)]
struct Up {
    /// The manifest. Relative paths in it start at its folder
    #[arg(long, short, value_name = "FILE", default_value = "spin.toml")]
    from: PathBuf,
    /// Where to listen; port 0 takes one that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Load this component and not the one that the manifest's `source` names
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// A variable of the application. Without it SPIN_VARIABLE_NAME in the environment counts, and then
    /// the manifest's default
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair::<String>)]
    variable: Vec<(String, String)>,
    /// The file of an SQLite database. Without it "default" is .spin/sqlite_db.db beside the manifest
    #[arg(long, value_name = "LABEL=FILE", value_parser = pair::<PathBuf>)]
    sqlite: Vec<(String, PathBuf)>,
}

fn pair<T: From<String>>(text: &str) -> Result<(String, T), String> {
    let (name, value) = text.split_once('=').ok_or("there is no = in it")?;
    Ok((name.to_owned(), T::from(value.to_owned())))
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Up(up) = Arguments::parse().command;
    match run(up).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A signal ends it at once: nothing here is worth waiting for.
async fn run(up: Up) -> Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        result = serve(up) => result,
        _ = terminated.recv() => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

async fn serve(up: Up) -> Result<()> {
    let manifest = Manifest::read(&up.from)?;
    let (_, declared) = manifest.component()?;
    let folder = up.from.parent().unwrap_or(Path::new(""));
    let app = app(&up, &manifest, folder)?;
    let source = up.component.unwrap_or_else(|| folder.join(&declared.source));
    let instances = tokio::task::spawn_blocking(move || Instances::load(&source, app)).await??;
    let listener = TcpListener::bind(up.listen).await.with_context(|| {
        format!("can't listen on {}; --listen 127.0.0.1:0 takes a free port", up.listen)
    })?;
    println!("listening on http://{}", listener.local_addr()?);
    let application = &manifest.application;
    let info = serde_json::json!({ "name": application.name, "version": application.version });
    Server::new(instances, info).serve(listener).await
}

fn app(up: &Up, manifest: &Manifest, folder: &Path) -> Result<App> {
    let (_, component) = manifest.component()?;
    let variables = Variables::resolve(manifest, &up.variable)?;
    let hosts = component.allowed_outbound_hosts.iter().map(|it| variables.fill(it));
    let hosts = AllowedHosts::parse(&hosts.collect::<Result<Vec<_>>>()?)?;
    Ok(App {
        environment: component.environment.clone().into_iter().collect(),
        key_value: key_value::Stores::new(&component.key_value_stores)?,
        outgoing: outgoing::Outgoing::new(hosts.clone()),
        postgres: postgres::Pools::new(hosts),
        sqlite: sqlite::Databases::new(&component.sqlite_databases, &up.sqlite, folder)?,
        variables,
    })
}
