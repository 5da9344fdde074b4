//! The bare server: hyper, tokio-postgres and a pool, laid out as Trireme's native host is
//! (one current-thread runtime a core, each with its own `SO_REUSEPORT` listener) and with
//! nothing of Trireme in it. What Trireme costs is the difference to it.
#![expect(clippy::disallowed_methods, reason = "the process is its own host: it starts threads")]

mod read;
mod respond;
mod serve;

use std::net::{Ipv4Addr, SocketAddr};
use std::{io, thread};

use clap::Parser;

/// The bare server that `cargo xtask bench` measures Trireme against.
#[derive(Parser)]
struct Arguments {
    /// Where to listen, on 127.0.0.1
    #[arg(long, env = "PORT")]
    port: u16,
    /// A database that Trireme has migrated; without it only /health/live answers
    #[arg(long, env = "DATABASE_URL")]
    database_url: Option<String>,
    /// Connections to the database, shared out among the threads
    #[arg(long, env = "DATABASE_POOL_MAX", default_value_t = 16)]
    database_pool_max: usize,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let cores = thread::available_parallelism()?.get();
    let connections = arguments.database_pool_max.div_ceil(cores);
    let threads = (0..cores).map(|_| {
        let listener = serve::listen(address)?;
        let database = arguments.database_url.clone();
        Ok(thread::spawn(move || serve::run(listener, database.as_deref(), connections)))
    });
    for thread in threads.collect::<io::Result<Vec<_>>>()? {
        thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))?;
    }
    Ok(())
}
