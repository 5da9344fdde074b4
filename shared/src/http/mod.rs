//! HTTP as all hosts see it: origins, forwarded addresses, bodies, outbound calls.

pub mod address;
pub mod body;
pub mod call;
pub mod cors;
pub mod forwarded;
