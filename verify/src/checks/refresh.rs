//! The exchange of refresh tokens. `reuse` has the check that needs the grace window over.

use crate::client::together;
use crate::context::{Context, REFRESH, Session};
use crate::outcome::{Verdict, expect, not_applicable};
use crate::response::Response;

/// Within the grace window there is no time to wait for a rate limit.
async fn refresh_at_once(context: &Context, token: &str) -> Verdict<Response> {
    let answer = context.send(Context::refresh_request(token).impatient()).await?;
    if answer.status == 429 {
        return not_applicable("this address has no attempt left within the grace window");
    }
    Ok(answer)
}

pub async fn rotation(context: &Context) -> Verdict {
    let spent = context.spent_refresh().await?;
    let rotated = spent.before.refresh_token != spent.after.refresh_token;
    expect(rotated, format!("POST {REFRESH}"), "a new refresh token", "the old one")?;
    spent.after.expect_alive(context).await
}

/// A lost answer or a second tab sends the old token again: it leads to the same successor.
pub async fn grace(context: &Context) -> Verdict {
    let spent = context.spent_refresh().await?;
    let again = refresh_at_once(context, &spent.before.refresh_token).await?;
    let same = again.is(200)?.text("/refresh_token")? == spent.after.refresh_token;
    again.must(same, "the successor that was given before")?;
    Session::of(&again)?.expect_alive(context).await
}

pub async fn concurrent(context: &Context) -> Verdict {
    let token = &context.spent_refresh().await?.after.refresh_token;
    let answers = together([token, token].map(|token| refresh_at_once(context, token))).await;
    let mut successors = Vec::new();
    for answer in answers {
        let answer = answer?;
        successors.push(answer.is(200)?.at("/refresh_token").cloned()?);
    }
    let one_branch = successors[0] == successors[1] && successors[0] != **token;
    expect(one_branch, format!("POST {REFRESH}, twice at once"), "one successor", "two")
}

pub async fn unknown_token(context: &Context) -> Verdict {
    context.refresh(&"A".repeat(43)).await?.problem(401).map(drop)
}
