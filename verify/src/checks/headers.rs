//! Headers that only some answers have. What all of them have is in `invariants`.

use crate::context::{CONTEXTS, Context, ME, SESSIONS, TASKS};
use crate::outcome::Verdict;

/// Answers to a known caller stay out of shared caches, errors included.
pub async fn caching(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let unknown = format!("{TASKS}/{}", crate::context::ABSENT);
    for path in [TASKS, CONTEXTS, ME, SESSIONS, &unknown] {
        let answer = context.send(alice.get(path)).await?;
        let said = answer.list("cache-control");
        let private = said.contains(&"no-store".to_owned()) || said.contains(&"private".to_owned());
        answer.must(private, format!("no-store or private, not {said:?}"))?;
    }
    Ok(())
}
