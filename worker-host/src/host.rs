//! The Workers host: the platform's clock, randomness and timers, outbound calls, and one request's
//! database.

use std::{panic::AssertUnwindSafe, rc::Rc, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::Response;
use trireme_core::{
    Timestamp,
    config::Environment,
    host::{Busy, Host, HostKind, LATER},
    http::call::{Call, FetchError},
};
use worker::{Context, Delay, Env};

use crate::{
    database::Database,
    isolate::Isolate,
    outbound,
    platform::{fill, now},
    time::within,
};

/// What handlers see of the platform. Each request has its own: what was opened for one request
/// can't be used in another. A clone is another handle on the same.
#[derive(Clone)]
pub struct WorkerHost {
    database: Rc<Database>,
    context: Rc<Context>,
    environment: Environment,
}

impl WorkerHost {
    pub fn new(isolate: &'static Isolate, env: Env, context: Context) -> Self {
        let context = Rc::new(context);
        Self {
            database: Rc::new(Database::new(&isolate.way, env, Rc::clone(&context))),
            context,
            environment: isolate.app.config.environment,
        }
    }
}

impl Host for WorkerHost {
    type Database = Database;

    fn kind(&self) -> HostKind {
        HostKind::Workers
    }

    fn database(&self) -> &Database {
        &self.database
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn random(&self, out: &mut [u8]) {
        fill(out);
    }

    /// Dropped early, it clears its timer.
    async fn sleep(&self, duration: Duration) {
        Delay::from(duration).await;
    }

    /// An isolate has one thread, so the work runs at once and holds up the isolate's other
    /// requests for as long as it takes. The platform starts isolates as they are needed and
    /// bounds each request's CPU time; the queue is its, so this is never [`Busy`].
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        Ok(work())
    }

    async fn fetch(&self, call: Call) -> Result<Response<Bytes>, FetchError> {
        outbound::fetch(call.checked(self.environment)?).await
    }

    /// The platform goes on with it past the answer.
    fn later(&self, work: impl AsyncFnOnce(&Self) + 'static) {
        let host = self.clone();
        self.context.wait_until(async move {
            match AssertUnwindSafe(within(LATER, work(&host))).catch_unwind().await {
                Ok(Some(())) => {}
                Ok(None) => {
                    tracing::warn!("work after an answer was given up: it took too long");
                }
                Err(_) => tracing::error!("work after an answer panicked"),
            }
        });
    }
}
