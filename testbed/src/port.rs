use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use crate::{Error, Result};

/// Below what Linux hands out to outgoing connections (32768 and up): a port stays free
/// while its server is stopped and started again.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port of 127.0.0.1 that nobody listens on. Processes look from different places, so
/// that two tests which start at the same moment do not pick the same one.
pub fn free() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id().wrapping_mul(127) % u32::from(COUNT);
    (0..COUNT)
        .map(|_| NEXT.fetch_add(1, Ordering::Relaxed))
        .map(|step| FIRST + ((start + u32::from(step)) % u32::from(COUNT)) as u16)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| Error::Failed(format!("no free port between {FIRST} and {}", FIRST + COUNT)))
}
