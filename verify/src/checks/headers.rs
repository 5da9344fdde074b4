//! Headers that only some answers have. What all of them have is in `invariants`.

use crate::context::{Context, ME, SESSIONS};
use crate::outcome::Verdict;

/// Answers to a known caller stay out of shared caches, errors included.
pub async fn caching(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    for path in [ME, SESSIONS, &format!("{ME}?bogus=1")] {
        context.send(alice.get(path)).await?.is_private()?;
    }
    Ok(())
}
