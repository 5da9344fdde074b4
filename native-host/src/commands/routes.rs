//! `trireme routes`: the endpoints.

use trireme::{Described, Endpoint};

use super::{
    Failure,
    output::{say, say_json, table},
};
use crate::Program;

#[derive(clap::Args)]
pub struct Args {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub fn run(program: &Program, args: &Args) -> Result<(), Failure> {
    let operations = (program.operations)();
    if args.json {
        let json = |Described { endpoint, summary, .. }: &Described| {
            serde_json::json!({
                "method": endpoint.method.as_str(),
                "path": endpoint.path,
                "access": access(endpoint),
                "summary": summary,
            })
        };
        return say_json(&operations.iter().map(json).collect::<Vec<_>>());
    }
    let row = |Described { endpoint, summary, .. }: &Described| {
        [endpoint.method.as_str(), endpoint.path, access(endpoint), summary].map(str::to_owned)
    };
    say(table(&operations.iter().map(row).collect::<Vec<_>>()))
}

/// Who may call.
fn access(endpoint: &Endpoint) -> &'static str {
    match (endpoint.access.needs_user(), endpoint.limit.is_some()) {
        (false, false) => "public",
        (false, true) => "public, limited",
        (true, false) => "user",
        (true, true) => "user, limited",
    }
}
