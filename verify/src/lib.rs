//! Trireme's black-box suite: what the contract promises, checked over HTTP against a
//! running server of any host. `trireme verify URL` and the tests share it.
//!
//! ```no_run
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! let options = trireme_verify::Options::new("http://127.0.0.1:8000")?;
//! let product = &[]; // its checks
//! let report = trireme_verify::run(options, product, |result| println!("{}/{}", result.group, result.name)).await;
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
//! # What is checked
//!
//! Every product has the core's checks: health, documents, accounts, sessions, tokens, and what
//! holds for all of HTTP. A product adds its own, as a table of groups:
//!
//! 1. Declare each [`Resource`]: its path, a line for each field, its sorts and filters. That alone
//!    gives it the standard checks: its story, faults, patches, isolation, tags, retries, pages.
//! 2. Write what is special about it as `pub async fn my_check(context: &Context) -> Verdict`. It
//!    reads straight down: send a [`Request`], say with `?` what the [`Response`] must be. The
//!    first broken promise ends the check and the report shows that request.
//! 3. Name both in the table that [`checks!`] makes, and give that to the product's program.
//!    Checks run in its order, after the core's.
//!
//! ```
//! use trireme_verify::{Group, checks};
//!
//! mod notes {
//!     use serde_json::json;
//!     use trireme_verify::{Context, Field, Resource, Verdict};
//!
//!     pub const RESOURCE: Resource =
//!         Resource::new("/api/v1/notes", &[Field::text("title", 1, 200).required().visible()])
//!             .computed(&["words"]);
//!
//!     pub async fn words_are_counted(context: &Context) -> Verdict {
//!         let alice = context.alice().await?;
//!         let note = RESOURCE.create(context, alice, &json!({"title": "two words"})).await?;
//!         let read = context.send(alice.get(RESOURCE.at(&note)?)).await?;
//!         read.is(200)?.equals("/words", 2).map(drop)
//!     }
//! }
//!
//! pub const CHECKS: &[Group] = checks! {
//!     notes of notes::RESOURCE { words_are_counted }
//! };
//!
//! let options = trireme_verify::Options::new("http://127.0.0.1:8000").unwrap();
//! let names = trireme_verify::list(&options, CHECKS);
//! assert!(names.iter().any(|name| name.to_string() == "notes/words_are_counted"));
//! ```
//!
//! Share `context.alice()` and `context.bob()` instead of registering; an endpoint that
//! takes a password or a refresh token is limited per address, so a check should call one
//! only for its own sake. Make names with `context.tag`, so that transcripts of two runs
//! are equal, and mark a request whose answer depends on timing as `unrecorded`. What holds
//! for every response belongs into `src/invariants.rs`: it is applied to each answer anyway.
//! The core's own checks are in `src/checks`, a group a file, in the tables of `mod.rs`.

mod check;
mod checks;
mod client;
mod clock;
mod context;
mod invariants;
mod journal;
mod options;
mod outcome;
mod promises;
mod raw;
mod report;
mod request;
mod resource;
mod response;
pub mod shape;
mod structured;
mod token;
pub mod transcript;

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{Either, select};

pub use check::{Check, Group, Named, Run};
pub use client::together;
pub use context::{ABSENT, Account, Context, Session};
pub use http::{Method, StatusCode};
pub use journal::{Journal, Leftover};
pub use options::{InvalidUrl, Options};
pub use outcome::{Failure, Stop, Verdict, expect, failed, not_applicable, text};
pub use report::{CheckResult, Outcome, Report};
pub use request::Request;
pub use resource::{Field, Filter, Literal, Resource};
pub use response::Response;

use check::{CLOSING, Planned, plan};

/// Far more than the standard checks of a resource need, also from far away.
const A_RESOURCE: Duration = Duration::from_secs(30);

/// Makes the core's checks and the product's, one after the other, and tells `progress` of each as
/// it ends.
///
/// The accounts that the run registered are deleted by its last check, so let the future
/// run to its end. A server that cannot be reached yields a report with one failure.
///
/// # Panics
///
/// If two checks have the same name.
pub async fn run(
    options: Options,
    product: &'static [Group],
    progress: impl FnMut(&CheckResult),
) -> Report {
    run_until(std::future::pending(), options, product, progress).await
}

/// As [`run`]; when `stop` is ready the request under way is awaited, and of the checks that are
/// left only those are made which delete the run's accounts.
pub async fn run_until(
    stop: impl Future<Output = ()>,
    mut options: Options,
    product: &'static [Group],
    mut progress: impl FnMut(&CheckResult),
) -> Report {
    let (started, at) = (clock::wall(), clock::now());
    let planned = plan(&options, product);
    let resources: Vec<_> = product.iter().filter_map(|group| group.resource).collect();
    options.budget += A_RESOURCE * resources.len() as u32;
    let mut context = Context::new(options);
    context.resources = resources;
    let mut stop = pin!(stop.fuse());
    let mut stopped = false;
    let reached = reach(&mut context).await;
    let mut results = Vec::new();
    let mut note = |result: CheckResult| {
        progress(&result);
        results.push(result);
    };
    if let Err(stop) = reached {
        note(result(Named { group: "server", name: "reachable" }, Err(stop), at));
    } else {
        for check in &planned {
            if stopped && !check.named.is_closing() {
                continue;
            }
            let made = pin!(make(check, &context));
            let ended = match select(made, stop.as_mut()).await {
                Either::Left((result, _)) => Some(result),
                Either::Right(((), made)) if check.named.is_closing() => Some(made.await),
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
pub fn planned(options: &Options, product: &'static [Group]) -> usize {
    plan(options, product).len()
}

/// The checks that a run with these options makes, in order.
pub fn list(options: &Options, product: &'static [Group]) -> Vec<Named> {
    plan(options, product).iter().map(|check| check.named).collect()
}

/// Asks the server what it is. Any answer will do; its contents are a check's business.
async fn reach(context: &mut Context) -> Verdict {
    let answer = context.send(Request::get("/health").unrecorded()).await?;
    context.health = answer.json.unwrap_or_default();
    let _ = context.client.production.set(context.production());
    Ok(())
}

async fn make(check: &Planned, context: &Context) -> CheckResult {
    let at = clock::now();
    context.client.begin(check.named.to_string());
    let verdict = if context.client.out_of_time() && !check.named.is_closing() {
        failed("the whole run", format!("an end within {:?}", context.options.budget), "not made")
    } else {
        check.make(context).await
    };
    result(check.named, verdict, at)
}

fn result(Named { group, name }: Named, verdict: Verdict, at: Instant) -> CheckResult {
    CheckResult { group, name, outcome: verdict.into(), duration: clock::now() - at }
}
