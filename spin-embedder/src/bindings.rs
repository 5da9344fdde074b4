//! The host's side of Spin's interfaces, generated; see build.rs.
#![expect(clippy::pedantic, reason = "generated")]

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
