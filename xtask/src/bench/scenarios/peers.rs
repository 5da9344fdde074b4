use serde_json::Value;
use trireme_testbed::{Server, ServerOptions, http};

use crate::Result;
use crate::bench::Arguments;
use crate::bench::ask::Ask;
use crate::bench::peers::Peer;
use crate::bench::programs::{Programs, target};
use crate::bench::report::{Finding, Goal};
use crate::bench::stage::{POOL, Stage, Trireme};
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
        let path = format!("/tasks/{}", stage.trireme.tasks.own[0]);
        same_answer(&stage.trireme, &server, &path)?;
        let theirs = Target { token: ours.token.clone(), ..target(peer.name(), &server, &path) };
        let comparison = arguments.compare(peer.name(), &ours, &theirs)?;
        let what = format!("read, of {}", peer.name());
        Ok(Finding::of_comparison(&what, comparison, goal))
    };
    peers.into_iter().map(compare).collect()
}

/// Nothing is compared that answers something else, or anybody.
fn same_answer(trireme: &Trireme, peer: &Server, path: &str) -> Result<()> {
    let token = &trireme.account.token;
    let read = |port, path: &str| -> Result<Value> {
        let mut task: Value = serde_json::from_str(&http::get_with(port, path, token)?.body)?;
        // They differ in how they write a moment.
        let fields = task.as_object_mut().ok_or("a task is an object")?;
        fields.retain(|name, value| !name.ends_with("_at") || value.is_null());
        Ok(task)
    };
    let ours = read(trireme.server.port(), &format!("/api/v1{path}"))?;
    let theirs = read(peer.port(), path)?;
    let refused = http::get_with(peer.port(), path, &format!("{token}x"))?.status;
    if ours == theirs && refused == 401 {
        return Ok(());
    }
    Err(format!("a peer answers {theirs} instead of {ours}, or {refused} to a bad token").into())
}
