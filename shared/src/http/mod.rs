//! HTTP as all hosts see it: origins, forwarded addresses, bodies and responses.

pub mod body;
pub mod cors;
pub mod forwarded;
