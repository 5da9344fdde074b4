//! The reference product as a Spin component.
#![cfg(target_family = "wasm")]

trireme_spin::component!(trireme_tasks::Tasks);
