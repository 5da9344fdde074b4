//! `trireme openapi`: the document that `/openapi.json` serves.

use super::{Failure, output::say_json};
use crate::Program;

pub fn run(program: &Program) -> Result<(), Failure> {
    say_json(&(program.document)())
}
