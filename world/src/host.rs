use std::{
    cell::{Cell, RefCell},
    future::Future,
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::{Request, Response};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use trireme_core::{
    Timestamp,
    config::Environment,
    host::{Busy, Host, HostKind, Phase},
    http::call::{Call, FetchError},
};
use trireme_native::database::Database;

use crate::START;

/// A host whose clock stands still and whose randomness is always the same.
pub struct TestHost {
    pub(crate) database: Database,
    pub(crate) now: Cell<Timestamp>,
    random: RefCell<StdRng>,
    pub phase: Cell<Phase>,
    /// How long the newest wait is, and whether waits are over at once.
    pub wait: Cell<Duration>,
    pub waits_are_over: Cell<bool>,
    /// How often long work made way for others, or went elsewhere.
    pub pauses: Cell<usize>,
    pub computed: Cell<usize>,
    called: RefCell<Vec<Request<Bytes>>>,
    answer: RefCell<Box<Answer>>,
    later: RefCell<Vec<Later>>,
}

type Answer = dyn FnMut(&Request<Bytes>) -> Result<Response<Bytes>, FetchError>;
type Later = Box<dyn for<'h> FnOnce(&'h TestHost) -> LocalBoxFuture<'h, ()>>;

impl Host for TestHost {
    type Database = Database;

    fn kind(&self) -> HostKind {
        HostKind::Native
    }
    fn database(&self) -> &Database {
        &self.database
    }
    fn now(&self) -> Timestamp {
        self.now.get()
    }
    fn random(&self, out: &mut [u8]) {
        self.random.borrow_mut().fill_bytes(out);
    }
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        self.wait.set(duration);
        let over = self.waits_are_over.get();
        async move {
            if !over {
                tokio::time::sleep(duration).await;
            }
        }
    }
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        self.computed.set(self.computed.get() + 1);
        Ok(work())
    }
    async fn pause(&self) {
        self.pauses.set(self.pauses.get() + 1);
    }
    async fn fetch(&self, call: Call) -> Result<Response<Bytes>, FetchError> {
        let request = call.checked(Environment::Development)?.request;
        let answer = self.answer.borrow_mut()(&request);
        self.called.borrow_mut().push(request);
        answer
    }
    fn later(&self, work: impl AsyncFnOnce(&Self) + 'static) {
        self.later.borrow_mut().push(Box::new(|host| Box::pin(work(host))));
    }
    fn phase(&self) -> Phase {
        self.phase.get()
    }
}

impl TestHost {
    pub(crate) fn new(database: Database) -> Self {
        Self {
            database,
            now: Cell::new(START),
            random: RefCell::new(StdRng::seed_from_u64(7)),
            phase: Cell::new(Phase::Serving),
            wait: Cell::default(),
            waits_are_over: Cell::default(),
            pauses: Cell::default(),
            computed: Cell::default(),
            called: RefCell::default(),
            answer: RefCell::new(Box::new(|_| Err(FetchError::TimedOut))),
            later: RefCell::default(),
        }
    }

    /// What outbound calls get from now on; until then nobody answers any.
    pub fn answer(
        &self,
        answer: impl FnMut(&Request<Bytes>) -> Result<Response<Bytes>, FetchError> + 'static,
    ) {
        *self.answer.borrow_mut() = Box::new(answer);
    }

    /// The outbound calls that were made since this was asked last.
    pub fn calls(&self) -> Vec<Request<Bytes>> {
        self.called.take()
    }

    /// Does what was put off until after the answers, and what that puts off.
    pub async fn work_off(&self) {
        loop {
            let work = self.later.take();
            if work.is_empty() {
                return;
            }
            for work in work {
                work(self).await;
            }
        }
    }
}
