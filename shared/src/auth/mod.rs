//! Passwords, access tokens and refresh tokens.

pub mod access;
pub mod keys;
pub mod password;
pub mod refresh;
mod signature;
