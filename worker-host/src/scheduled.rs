//! The cron trigger: one run of maintenance.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use trireme::{
    Product,
    maintenance::{self, Outcome, Report},
};
use wasm_bindgen::JsValue;
use worker::{Context, Env, worker_sys};

use crate::{
    host::WorkerHost,
    isolate::{self, Isolate},
};

/// Of a step in one run. All steps together ask the database less than a thousand times, which is
/// what the platform allows one invocation; the next minute goes on.
const PIECES: u32 = 20;

/// An error makes the platform count the run as failed; the log says why.
pub async fn scheduled<P: Product>(env: Env, context: worker_sys::Context) -> Result<(), JsValue> {
    AssertUnwindSafe(run(isolate::of::<P>(&env), env, Context::new(context)))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err("it panicked".to_owned()))
        .map_err(|cause| JsValue::from(&*format!("maintenance: {cause}")))
}

async fn run(isolate: Option<&'static Isolate>, env: Env, context: Context) -> Result<(), String> {
    let isolate = isolate.ok_or("the configuration has faults")?;
    let host = WorkerHost::new(isolate, env, context);
    let reports = maintenance::run(&isolate.app, &host, PIECES).await;
    let reports = reports.map_err(|error| error.to_string())?;
    let mut failed = Ok(());
    for Report { step, due, rows, milliseconds, outcome, cause, .. } in reports {
        match cause {
            Some(cause) => {
                tracing::error!(step, due, rows, milliseconds, cause, "maintenance failed");
                failed = Err(format!("{step} failed"));
            }
            None if due > 0 => {
                let unfinished = outcome == Outcome::Unfinished;
                tracing::info!(step, due, rows, milliseconds, unfinished, "maintenance");
            }
            None => {}
        }
    }
    failed
}
