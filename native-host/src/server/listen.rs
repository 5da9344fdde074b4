//! Listening sockets: one for each thread, all on one port.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that the kernel may have accepted before we did; it applies a bound of its own.
const BACKLOG: i32 = 4096;

/// Listeners that share one address.
#[derive(Debug)]
pub struct Bound {
    /// With the port that was chosen, where 0 was asked for.
    pub address: SocketAddr,
    pub listeners: Vec<TcpListener>,
    /// IPv6 was asked for, and this machine has none.
    pub ipv4_only: bool,
}

/// Why an address can't be listened on, and what to do about it.
#[derive(Debug)]
pub struct BindError {
    /// What sets the address.
    variable: &'static str,
    address: SocketAddr,
    error: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, address, error } = self;
        write!(f, "{address} can't be listened on ({error}). ")?;
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                f.write_str("Another program listens there: stop it, or choose another port.")
            }
            io::ErrorKind::PermissionDenied => {
                f.write_str("Ports below 1024 need a privilege: choose a higher one.")
            }
            io::ErrorKind::AddrNotAvailable => {
                write!(f, "The address is none of this machine's: change {variable}.")
            }
            _ => write!(f, "Check {variable} and the port."),
        }
    }
}
impl std::error::Error for BindError {}

/// Binds `count` listeners to the address that `variable` has set. `[::]` serves IPv4 as well, and
/// stands for `0.0.0.0` on a machine without IPv6.
pub fn bind(
    variable: &'static str,
    ip: IpAddr,
    port: u16,
    count: usize,
) -> Result<Bound, BindError> {
    let failed = |address, error| BindError { variable, address, error };
    let address = SocketAddr::new(ip, port);
    match bind_all(address, count) {
        Err(error) if ip.is_unspecified() && ip.is_ipv6() && lacks_ipv6(&error) => {
            let address = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
            let bound = bind_all(address, count).map_err(|error| failed(address, error))?;
            Ok(Bound { ipv4_only: true, ..bound })
        }
        result => result.map_err(|error| failed(address, error)),
    }
}

fn lacks_ipv6(error: &io::Error) -> bool {
    // EAFNOSUPPORT has no kind of its own.
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

fn bind_all(address: SocketAddr, count: usize) -> io::Result<Bound> {
    // Listeners that share a port would also share it with another instance, and connections
    // would go to either at random. So the port is first taken for us alone; a port of 0 is
    // chosen on the way.
    let address = listen(address, false)?.local_addr()?;
    let listeners = (0..count).map(|_| listen(address, true)).collect::<io::Result<_>>()?;
    Ok(Bound { address, listeners, ipv4_only: false })
}

fn listen(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // Connections of an earlier process that are still winding down do not hold the port.
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_a_chosen_port_with_nobody_else() {
        let bound = bind("BIND", Ipv4Addr::LOCALHOST.into(), 0, 3).unwrap();
        assert_eq!(bound.listeners.len(), 3);
        assert_ne!(bound.address.port(), 0);
        let error = bind("BIND", Ipv4Addr::LOCALHOST.into(), bound.address.port(), 3).unwrap_err();
        assert!(error.to_string().contains("Another program listens there"), "{error}");
    }
}
