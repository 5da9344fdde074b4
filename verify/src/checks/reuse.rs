//! A refresh token that is used again when the grace window is over, as a thief would.

use std::time::Duration;

use crate::clock;
use crate::context::Context;
use crate::outcome::Verdict;

const GRACE: Duration = Duration::from_secs(10);

pub async fn ends_the_session(context: &Context) -> Verdict {
    let spent = context.spent_refresh().await?;
    let over = spent.at + GRACE + Duration::from_secs(1);
    tokio::time::sleep(over.saturating_duration_since(clock::now())).await;
    let reused = context.refresh(&spent.before.refresh_token).await?;
    reused.problem_with_code(401, "refresh_reused")?;
    spent.after.expect_ended(context).await?;
    context.refresh(&spent.after.refresh_token).await?.problem(401).map(drop)
}
