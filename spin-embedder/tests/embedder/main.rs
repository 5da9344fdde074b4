//! The embedder with the probe (spin-embedder/probe) in it, and a real PostgreSQL behind it. What is
//! tested is above all that faults of a component show as they would in Spin.
#![expect(clippy::disallowed_methods, reason = "tests read the environment and start threads")]

mod http;
mod instances;
mod postgres;
mod sqlite;
mod start;
mod support;
