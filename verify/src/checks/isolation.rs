//! Two users do not see each other's sessions: what is another's looks like what is absent.

use crate::context::{ABSENT, Context, SESSIONS};
use crate::outcome::Verdict;

pub async fn sessions(context: &Context) -> Verdict {
    let (alice, bob) = (context.alice().await?, context.bob().await?);
    let hers = context.send(alice.get(SESSIONS)).await?.column("/id")?;
    let absent = context.send(bob.delete(format!("{SESSIONS}/{ABSENT}"))).await?;
    for id in hers.iter().take(3) {
        let seen = context.send(bob.delete(format!("{SESSIONS}/{id}"))).await?;
        seen.problem(404)?.same_as(&absent)?;
    }
    let his = context.send(bob.get(SESSIONS)).await?;
    his.must(!his.column("/id")?.iter().any(|id| hers.contains(id)), "no session of hers")?;
    alice.session.expect_alive(context).await
}
