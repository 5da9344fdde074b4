//! Trireme's black-box suite: what the contract promises, checked over HTTP against a
//! running server of any host. `trireme verify URL` and the tests share it.
//!
//! ```no_run
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! let options = trireme_verify::Options::new("http://127.0.0.1:8000")?;
//! let report = trireme_verify::run(options, |result| println!("{}/{}", result.group, result.name)).await;
//! println!("{}", report.to_table(true));
//! # Ok(())
//! # }
//! ```
//!
//! It is safe to point at production: it registers a handful of accounts at
//! `example.com`, works with those alone, deletes them at the end whatever happened, keeps
//! at most eight requests in flight, and spends fewer credential calls than the default
//! limits allow an address in a minute.
//!
//! # Adding a check
//!
//! 1. Write `pub async fn my_check(context: &Context) -> Verdict` in the file of its group
//!    in `src/checks` (a new group is a new file). It reads straight down: send a
//!    `request`, say with `?` what the `response` must be. The first broken promise
//!    ends the check and the report shows that request.
//! 2. Put its name into the table in `src/checks/mod.rs`. Checks run in that order.
//!
//! Share `context.alice()` and `context.bob()` instead of registering; an endpoint that
//! takes a password or a refresh token is limited per address, so a check should call one
//! only for its own sake. Make names with `context.tag`, so that transcripts of two runs
//! are equal, and mark a request whose answer depends on timing as `unrecorded`. What holds
//! for every response belongs into `src/invariants.rs`: it is applied to each answer anyway.

mod checks;
mod client;
mod clock;
mod context;
mod invariants;
mod journal;
mod options;
mod outcome;
mod raw;
mod report;
mod request;
mod response;
mod shape;
mod structured;
mod token;
pub mod transcript;

use std::pin::pin;
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::{Either, select};

pub use journal::{Journal, Leftover};
pub use options::{InvalidUrl, Options};
pub use outcome::Failure;
pub use report::{CheckResult, Outcome, Report};

use checks::{CLOSING, Check};
use context::Context;
use outcome::{Stop, Verdict, failed};
use request::Request;

/// Makes the checks one after the other and tells `progress` of each as it ends.
///
/// The accounts that the run registered are deleted by its last check, so let the future
/// run to its end. A server that cannot be reached yields a report with one failure.
pub async fn run(options: Options, progress: impl FnMut(&CheckResult)) -> Report {
    run_until(std::future::pending(), options, progress).await
}

/// As [`run`]; when `stop` is ready the request under way is awaited, and of the checks that are
/// left only those are made which delete the run's accounts.
pub async fn run_until(
    stop: impl Future<Output = ()>,
    options: Options,
    mut progress: impl FnMut(&CheckResult),
) -> Report {
    let (started, at) = (clock::wall(), clock::now());
    let mut context = Context::new(options);
    let mut stop = pin!(stop.fuse());
    let mut stopped = false;
    let reached = reach(&mut context).await;
    let mut results = Vec::new();
    let mut note = |result: CheckResult| {
        progress(&result);
        results.push(result);
    };
    if let Err(stop) = reached {
        note(result("server", "reachable", Err(stop), at));
    } else {
        for check in checks::ALL.iter().filter(|check| check.is_wanted(&context.options)) {
            if stopped && !check.is_closing() {
                continue;
            }
            let made = pin!(make(check, &context));
            let ended = match select(made, stop.as_mut()).await {
                Either::Left((result, _)) => Some(result),
                Either::Right(((), made)) if check.is_closing() => Some(made.await),
                Either::Right(((), made)) => {
                    stopped = true;
                    context.client.stop();
                    match select(made, pin!(context.client.idle())).await {
                        Either::Left((result, _)) => Some(result),
                        Either::Right(_) => None,
                    }
                }
            };
            ended.into_iter().for_each(&mut note);
        }
    }
    if let Some(journal) = &context.options.journal
        && !results.iter().any(CheckResult::left_accounts)
    {
        journal.end();
    }
    let said = |member: &str| context.health[member].as_str().map(str::to_owned);
    Report {
        url: context.options.url.to_string(),
        started,
        duration: clock::now() - at,
        host: said("host"),
        environment: said("environment"),
        version: said("version"),
        results,
        stopped,
        transcript: context.client.take_transcript(),
    }
}

/// Deletes what an earlier run has left on the server that `options` names.
pub async fn clean_up(leftover: &Leftover, options: Options) -> Result<(), Failure> {
    let context = Context::new(options);
    context.client.begin(CLOSING.to_owned());
    context.adopt(&leftover.accounts);
    if let Err(Stop::Failed(failure)) = checks::accounts_deleted(&context).await {
        return Err(failure);
    }
    leftover.end();
    Ok(())
}

/// How many checks a run with these options makes, for a progress bar.
pub fn planned(options: &Options) -> usize {
    checks::ALL.iter().filter(|check| check.is_wanted(options)).count()
}

/// Asks the server what it is. Any answer will do; its contents are a check's business.
async fn reach(context: &mut Context) -> Verdict {
    let answer = context.send(Request::get("/health").unrecorded()).await?;
    context.health = answer.json.unwrap_or_default();
    let _ = context.client.production.set(context.production());
    Ok(())
}

async fn make(check: &Check, context: &Context) -> CheckResult {
    let at = clock::now();
    context.client.begin(format!("{}/{}", check.group, check.name));
    let verdict = if context.client.out_of_time() && !check.is_closing() {
        failed("the whole run", format!("an end within {:?}", context.options.budget), "not made")
    } else {
        (check.run)(context).await
    };
    result(check.group, check.name, verdict, at)
}

fn result(group: &'static str, name: &'static str, verdict: Verdict, at: Instant) -> CheckResult {
    CheckResult { group, name, outcome: verdict.into(), duration: clock::now() - at }
}
