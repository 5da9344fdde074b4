//! The server by its sockets: what it lets a client do to it, whatever it serves.
#![expect(
    clippy::disallowed_methods,
    clippy::tests_outside_test_module,
    reason = "a test of the host may read clocks and start threads"
)]

mod bodies;
mod client;
mod drain;
mod framing;
mod http2;
mod limits;
mod memory;
mod service;
