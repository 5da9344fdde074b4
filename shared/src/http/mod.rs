//! HTTP as all hosts see it: origins, forwarded addresses, bodies and responses.

pub mod cors;
pub mod forwarded;
