//! @Title@ on Spin. To a native compiler it is empty.
#![cfg(target_family = "wasm")]

trireme_spin::component!(@lib@::@Product@);
