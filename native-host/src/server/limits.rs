use std::time::Duration;

/// What one client may take of the server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From accepting a connection, or from the first byte of a later request, to the end of
    /// the request's head.
    pub head: Duration,
    /// For the whole body of a request.
    pub body: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// For each 16 KiB of an answer to be taken off the wire, or for its rest.
    pub write: Duration,
    /// How long a connection that is closed before its request was read to the end is drained,
    /// so that the client gets to read the answer.
    pub linger: Duration,
    /// How long idle connections and new ones are still served when a drain has begun.
    pub quiet: Duration,
    /// Open connections; beyond them idle ones make way, and then health probes alone are answered.
    pub connections: usize,
    /// Of one IPv4 address, or of one IPv6 network of 64 bits.
    pub connections_per_address: usize,
    pub header_bytes: u32,
    /// HTTP/2: requests at once on one connection.
    pub streams: u32,
    /// HTTP/2: requests that a client has opened and cancelled before they were looked at, and
    /// streams that were ended for the client's faults; beyond it the connection is ended.
    pub resets: usize,
}

/// The number of headers that a request may have; hyper's own bound on HTTP/1.
pub const HEADER_COUNT: usize = 100;

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(2),
            quiet: Duration::from_secs(1),
            connections: 10_000,
            connections_per_address: 1000,
            header_bytes: 64 << 10,
            streams: 128,
            resets: 32,
        }
    }
}
