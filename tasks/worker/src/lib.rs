//! The reference product as a Worker.
#![cfg(target_family = "wasm")]

trireme_workers::worker!(trireme_tasks::Tasks);
