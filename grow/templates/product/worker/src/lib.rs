//! @Title@ on Cloudflare Workers. To a native compiler it is empty.
#![cfg(target_family = "wasm")]

trireme_workers::worker!(@lib@::@Product@);
