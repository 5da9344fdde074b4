use trireme_testbed::{Server, ServerOptions};

use crate::Result;
use crate::bench::Arguments;
use crate::bench::ask::Ask;
use crate::bench::peers::Peer;
use crate::bench::programs::{Programs, target};
use crate::bench::report::{Finding, Goal};
use crate::bench::stage::{POOL, Stage};
use crate::bench::wrk::Target;

/// One task read by Trireme, with all that its contract says, and by other stacks, which check the
/// token and send the one statement.
pub fn run(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    let peers = Peer::ALL.map(|(peer, goal)| Ok((peer, goal, peer.prepare()?)));
    let peers = peers.into_iter().collect::<Result<Vec<_>>>()?;
    let stage = Stage::set(arguments, programs)?;
    let ours = stage.trireme(Ask::Read);
    let compare = |(peer, goal, options): (Peer, Goal, ServerOptions)| {
        let options = options
            .env("DATABASE_URL", stage.trireme.database.url())
            .env("DATABASE_POOL_MAX", POOL)
            .env("JWT_SECRET", Programs::SECRET);
        let server = Server::start(options)?;
        let (path, script) = Ask::Read.of(&stage.trireme.tasks);
        let theirs = target(peer.name(), &server, &format!("/tasks{path}"));
        let theirs = Target { token: ours.token.clone(), script, ..theirs };
        let comparison = arguments.compare(peer.name(), &ours, &theirs)?;
        let what = format!("read, of {}", peer.name());
        Ok(Finding::of_comparison(&what, comparison, goal))
    };
    peers.into_iter().map(compare).collect()
}
