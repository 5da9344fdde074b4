//! The host's side of Spin's interfaces, generated; see build.rs.

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
