//! `trireme routes`: the endpoints.

use trireme::routes::{Access, Route, TABLE};

use super::{
    Failure,
    output::{say, say_json, table},
};

#[derive(clap::Args)]
pub struct Args {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    if args.json {
        let routes: Vec<_> = TABLE
            .iter()
            .map(|route| {
                serde_json::json!({
                    "method": route.method.as_str(),
                    "path": route.path,
                    "access": access(route),
                    "summary": route.summary,
                })
            })
            .collect();
        say_json(&routes)
    } else {
        let rows: Vec<_> = TABLE
            .iter()
            .map(|route| {
                [route.method.as_str(), route.path, access(route), route.summary].map(str::to_owned)
            })
            .collect();
        say(table(&rows))
    }
}

/// Who may call.
fn access(route: &Route) -> &'static str {
    match route.access {
        Access::Public => "public",
        Access::Credential => "public, limited",
        Access::User => "user",
        Access::UserCredential => "user, limited",
    }
}
