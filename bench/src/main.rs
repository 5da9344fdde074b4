//! The bare server: hyper and tokio-postgres or rusqlite, laid out as Trireme's native host is
//! (one current-thread runtime a core, each with its own `SO_REUSEPORT` listener) and with
//! nothing of Trireme in it but the texts of its statements. What Trireme costs is the difference
//! to it.
#![expect(clippy::disallowed_methods, reason = "the process is its own host: it starts threads")]

mod postgres;
mod respond;
mod route;
mod serve;
mod sqlite;
mod statements;
mod task;
mod tasks;

use std::net::{Ipv4Addr, SocketAddr};
use std::{io, thread};

use clap::Parser;
use serve::Access;

/// The bare server that `cargo xtask bench` measures Trireme against.
#[derive(Parser)]
struct Arguments {
    /// Where to listen, on 127.0.0.1
    #[arg(long, env = "PORT")]
    port: u16,
    /// A database that Trireme has migrated, postgres://… or sqlite://FILE; without it only
    /// /health/live answers
    #[arg(long, env = "DATABASE_URL")]
    database_url: Option<String>,
    /// Connections to the database, shared out among the threads
    #[arg(long, env = "DATABASE_POOL_MAX", default_value_t = 16)]
    database_pool_max: usize,
    /// Prepare nothing: a pooler is between
    #[arg(long, env = "UNPREPARED")]
    unprepared: bool,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let cores = thread::available_parallelism()?.get();
    let access = Access {
        url: arguments.database_url,
        connections: arguments.database_pool_max.div_ceil(cores),
        prepare: !arguments.unprepared,
    };
    let threads = (0..cores).map(|_| {
        let listener = serve::listen(address)?;
        let access = access.clone();
        Ok(thread::spawn(move || serve::run(listener, &access)))
    });
    for thread in threads.collect::<io::Result<Vec<_>>>()? {
        thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))?;
    }
    Ok(())
}
