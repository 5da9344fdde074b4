//! `trireme serve`: the server's whole life.

mod announce;
mod maintain;
mod start;
mod watchdog;

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;
use trireme::App;
use trireme_core::{
    config::{Config, LogFormat, Proxies},
    host::{Host as _, Phase},
};

use self::{announce::Places, start::migrate, watchdog::Watchdog};
use super::{Failure, configuration, runtime, signals::Signals};
use crate::{
    Program,
    database::Database,
    hashing::Hashing,
    host::{NativeHost, cores},
    logging,
    metrics::Metrics,
    outbound::Outbound,
    program::name,
    server::{self, Admin, Api, Bound, House, Limits, Server},
};

pub fn run(program: &Program) -> Result<(), Failure> {
    let config = configuration(program)?;
    let format = config.log.format;
    let logging = logging::start(&config.log, &std::io::stdout())
        .map_err(|error| Failure::no(format!("Logging could not be started: {error}.")))?;
    start::raise_open_files();
    let result = runtime()?.block_on(serve(program, config, &logging));
    // A person reads stderr; those who gather records learn why it ended as well.
    if let (Err(failure), LogFormat::Json) = (&result, format) {
        tracing::error!(cause = failure.message, "failed");
    }
    result
}

/// The way to the database. Called inside a runtime.
pub fn open(config: &Config) -> Result<Database, Failure> {
    Ok(Database::open(&config.database)?)
}

/// What handlers need besides the app. Called inside a runtime.
pub fn host(config: &Config, threads: usize, metrics: &Metrics) -> Result<NativeHost, Failure> {
    let hashing = Hashing::start(threads, metrics.computing.clone())
        .map_err(|error| Failure::no(format!("Threads could not be started: {error}.")))?;
    Ok(NativeHost::new(open(config)?, hashing, Outbound::new(config.environment)))
}

async fn serve(program: &Program, config: Config, logging: &logging::Guard) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let metrics = Arc::new(Metrics::new(program));
    let host = Arc::new(host(&config, cores(), &metrics)?);
    let listen = config.listen.clone();
    let bound = server::bind("BIND", listen.bind, listen.port, cores()).map_err(Failure::no)?;
    let bind_admin = |port| server::bind("ADMIN_BIND", listen.admin_bind, port, 1);
    let admin = listen.admin_port.map(bind_admin);
    let admin = admin.transpose().map_err(Failure::no)?;
    announce::started(&program.about, &config, &Places::of(&bound, admin.as_ref()), logging);
    if cfg!(debug_assertions) && program.is_stale() {
        tracing::warn!(
            "the document that is served is not what the code says: run `{} openapi > openapi.json` and build again",
            name()
        );
    }

    let limits = start::limits(&config);
    let proxies = config.http.trusted_proxies.clone();
    let later = host.later.clone();
    let house = House { later, ..House::new(&limits, listen.memory_budget, proxies) };
    let app = (program.app)(config);
    // Migrating needs a connection, and the pool takes all that it can have: it comes after.
    let (migrated, is_migrated) = watch::channel(false);
    let api = start_api(bound, limits, &house, &app, &host, &metrics, is_migrated)?;
    // Serves until the very end.
    let _admin = admin.map(|bound| start_admin(bound, &house, &host, &metrics)).transpose()?;

    let interactive = tokio::select! {
        result = live(program, &app, &host, &metrics, &migrated) => match result? {},
        interactive = signals.next() => interactive,
    };

    host.enter(Phase::Draining);
    tracing::info!(grace_seconds = listen.shutdown_grace.as_secs(), "draining");
    let begun = Instant::now();
    let watchdog = Watchdog::start(listen.shutdown_grace).map_err(Failure::no)?;
    // A person who presses Ctrl-C has no load balancer that needs a moment to notice.
    let drain = api.drain(!interactive, begun + listen.shutdown_grace.saturating_sub(MARGIN));
    tokio::select! {
        complete = drain => {
            tracing::info!(complete, seconds = begun.elapsed().as_secs_f64(), "stopped");
            if !complete {
                return Err(Failure::no("Stopped before every request was answered and all work after answers was done."));
            }
            watchdog.complete();
            Ok(())
        }
        _ = signals.next() => {
            Watchdog::start(AT_ONCE).map_err(Failure::no)?;
            Err(Failure::no("Stopped at once, by a second signal."))
        }
    }
}

/// What the process does beside requests, until it is told to end.
async fn live(
    program: &Program,
    app: &App<NativeHost>,
    host: &NativeHost,
    metrics: &Metrics,
    migrated: &watch::Sender<bool>,
) -> Result<Infallible, Failure> {
    migrate(&app.config.database, host.database(), program.series).await?;
    host.enter(Phase::Serving);
    migrated.send_replace(true);
    tracing::info!("ready");
    Ok(maintain::forever(app, host, metrics).await)
}

/// Of the grace, for what comes after the drain.
const MARGIN: Duration = Duration::from_millis(300);

/// What a second signal leaves to the end.
const AT_ONCE: Duration = Duration::from_millis(500);

fn start_api(
    bound: Bound,
    limits: Limits,
    house: &House,
    app: &App<NativeHost>,
    host: &Arc<NativeHost>,
    metrics: &Arc<Metrics>,
    is_migrated: watch::Receiver<bool>,
) -> Result<Server, Failure> {
    let (app, host, metrics) = (app.clone(), Arc::clone(host), Arc::clone(metrics));
    let make = move || {
        let (database, mut is_migrated) = (host.database().clone(), is_migrated.clone());
        tokio::spawn(async move {
            if is_migrated.wait_for(|it| *it).await.is_ok() {
                database.warm();
            }
        });
        Api::new(app.clone(), Arc::clone(&host), Arc::clone(&metrics))
    };
    Server::start("trireme-http", bound.listeners, limits, house.clone(), make)
        .map_err(|error| Failure::no(format!("Threads could not be started: {error}.")))
}

fn start_admin(
    bound: Bound,
    house: &House,
    host: &Arc<NativeHost>,
    metrics: &Arc<Metrics>,
) -> Result<Server, Failure> {
    let (house, host, metrics) = (house.clone(), Arc::clone(host), Arc::clone(metrics));
    let make = move || {
        let (house, host, metrics) = (house.clone(), Arc::clone(&host), Arc::clone(&metrics));
        Admin::new(move || metrics.render(&host.database().stats(), &house))
    };
    // Its own, so that the figures can be seen while the API's is used up.
    let limits = Limits { connections: 100, ..Limits::default() };
    let house = House::new(&limits, 16 << 20, Proxies::default());
    Server::start("trireme-admin", bound.listeners, limits, house, make)
        .map_err(|error| Failure::no(format!("A thread could not be started: {error}.")))
}
