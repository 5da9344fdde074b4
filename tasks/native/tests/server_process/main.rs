//! The real binary: how it starts, what it says, how it ends.
#![expect(
    clippy::disallowed_methods,
    reason = "a test of the host may read clocks and start threads"
)]

#[path = "../../../../native-host/tests/server_http/client.rs"]
mod client;
mod database;
mod drain;
mod log;
mod mail;
mod maintenance;
mod metrics;
mod refusals;
mod start;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use trireme_testbed::{Server, ServerOptions};

use client::Client;

fn options() -> ServerOptions {
    ServerOptions::new(env!("CARGO_BIN_EXE_trireme"))
}

fn server(options: ServerOptions) -> Server {
    Server::start(options).unwrap_or_else(|error| panic!("{error}"))
}

fn address(server: &Server) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, server.port()).into()
}

fn connect(server: &Server) -> Client {
    Client::new(address(server))
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
