//! The native host: system clock, threads, and the process's own life.

use std::{
    num::NonZero,
    sync::atomic::{AtomicU8, Ordering},
    thread,
    time::Duration,
};

use rand::Rng as _;
use shared::{
    Timestamp,
    host::{Busy, Host, HostKind, Phase},
};

use crate::{database::Database, hashing::Hashing, logging};

/// What handlers see of this process. One serves all threads.
pub struct NativeHost {
    database: Database,
    hashing: Hashing,
    phase: AtomicU8,
}

impl NativeHost {
    /// It begins in [`Phase::Starting`].
    pub fn new(database: Database, hashing: Hashing) -> Self {
        Self { database, hashing, phase: AtomicU8::new(Phase::Starting as u8) }
    }

    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }
}

/// Threads for what can use all cores.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

impl Host for NativeHost {
    type Database = Database;

    fn kind(&self) -> HostKind {
        HostKind::Native
    }

    fn database(&self) -> &Database {
        &self.database
    }

    fn now(&self) -> Timestamp {
        logging::now()
    }

    fn random(&self, out: &mut [u8]) {
        // Cryptographically secure, seeded by the system and seeded anew now and then: no
        // system call a request.
        rand::rng().fill_bytes(out);
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        self.hashing.run(work).await
    }

    fn phase(&self) -> Phase {
        const STARTING: u8 = Phase::Starting as u8;
        const SERVING: u8 = Phase::Serving as u8;
        match self.phase.load(Ordering::Relaxed) {
            STARTING => Phase::Starting,
            SERVING => Phase::Serving,
            _ => Phase::Draining,
        }
    }
}
