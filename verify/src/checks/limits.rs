//! Rate limits of the endpoints that take credentials. These checks use the quota up, so
//! they come last.

use crate::context::{Context, LOGIN};
use crate::outcome::{Verdict, not_applicable};
use crate::request::Request;
use crate::response::Response;
use crate::structured::{Item, list};

/// One limit, as the two headers tell it.
struct Limit {
    name: String,
    /// Requests a window.
    quota: u64,
    remaining: u64,
    /// Seconds until there is more.
    reset: u64,
}

/// The limits that an answer announces, if the headers are valid and agree.
fn limits(answer: &Response) -> Verdict<Vec<Limit>> {
    let parsed = |name: &str| list(answer.header(name)?);
    let (Some(policies), Some(states)) = (parsed("ratelimit-policy"), parsed("ratelimit")) else {
        let said = (answer.header("ratelimit-policy"), answer.header("ratelimit"));
        return answer
            .must(false, format!("RateLimit-Policy and RateLimit, not {said:?}"))
            .map(|_| vec![]);
    };
    let join = |state: &Item| {
        let policy = policies.iter().find(|policy| policy.name == state.name)?;
        let limit = Limit {
            name: state.name.clone(),
            quota: policy.count("q")?,
            remaining: state.count("r")?,
            reset: state.count("t").unwrap_or(0),
        };
        let window = policy.count("w").unwrap_or(u64::MAX);
        (limit.remaining <= limit.quota && limit.reset <= window).then_some(limit)
    };
    let joined: Option<Vec<Limit>> = states.iter().map(join).collect();
    let expected = "each RateLimit within a RateLimit-Policy (r <= q, t <= w)";
    answer.must(joined.as_ref().is_some_and(|joined| !joined.is_empty()), expected)?;
    Ok(joined.unwrap_or_default())
}

pub async fn headers_agree(context: &Context) -> Verdict {
    limits(&context.alice().await?.registered)?;
    Ok(())
}

/// Failing logins to one account from one address meet a limit; nobody else does. The
/// account does not exist, and is limited as if it did.
pub async fn account_limit(context: &Context) -> Verdict {
    let attempt = || {
        let body = serde_json::json!({"email": context.email("target"), "password": "a guess"});
        context.send(Request::post(LOGIN).json(&body).impatient())
    };
    let first = attempt().await?;
    let announced = limits(first.is(401)?)?;
    let quota =
        announced.iter().find(|limit| limit.name.contains("account")).map(|limit| limit.quota);
    let Some(quota @ 1..=20) = quota else {
        return not_applicable(format!("the announced account quota is {quota:?}"));
    };
    let room = announced.iter().filter(|limit| !limit.name.contains("account"));
    if room.map(|limit| limit.remaining).min().is_some_and(|remaining| remaining < quota + 1) {
        return not_applicable("this address has not enough attempts left to use an account's up");
    }
    for _ in 1..quota {
        attempt().await?.problem(401)?;
    }
    let refused = attempt().await?;
    refused.problem(429)?;
    let wait = refused.need_header("retry-after")?.parse::<u64>().unwrap_or_default();
    refused.must(wait > 0, "whole seconds in Retry-After")?;
    // No other limit beside it, whose quota a client would take for what it has left.
    let announced = limits(&refused)?;
    let right = announced.iter().all(|limit| limit.remaining == 0 && limit.reset == wait);
    refused.must(right, format!("RateLimit with r=0 and the {wait} s of Retry-After alone"))?;

    let bob = context.bob().await?;
    context.try_login(&bob.email, &bob.password).await?.is(200).map(drop)
}
