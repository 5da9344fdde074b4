//! What @Title@ promises, checked over HTTP against a running server: `@name@ verify URL`.

use trireme_verify::{Group, checks};

pub const CHECKS: &[Group] = checks! {
};
