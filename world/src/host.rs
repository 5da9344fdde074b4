use std::{
    cell::{Cell, RefCell},
    future::Future,
    time::Duration,
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use trireme_core::{
    Timestamp,
    host::{Busy, Host, HostKind, Phase},
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
}

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
        }
    }
}
