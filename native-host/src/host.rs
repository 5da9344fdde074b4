//! The native host: system clock, threads, and the process's own life.

use std::{
    num::NonZero,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use rand::Rng as _;
use trireme_core::{
    Timestamp,
    host::{Busy, Host, HostKind, Phase},
    http::call::{Call, FetchError},
    mail::{Message, Refusal, Smtp},
};

use tokio::sync::Semaphore;

use crate::{
    database::Database, hashing::Hashing, later::Later, logging, outbound::Outbound, smtp,
};

/// What handlers see of this process. One serves all threads; a clone is another handle on the same.
#[derive(Clone)]
pub struct NativeHost {
    database: Database,
    hashing: Arc<Hashing>,
    outbound: Outbound,
    pub later: Later,
    phase: Arc<AtomicU8>,
}

impl NativeHost {
    /// It begins in [`Phase::Starting`].
    pub fn new(database: Database, hashing: Hashing, outbound: Outbound) -> Self {
        Self {
            database,
            hashing: Arc::new(hashing),
            outbound,
            later: Later::default(),
            phase: Arc::new(AtomicU8::new(Phase::Starting as u8)),
        }
    }

    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }
}

thread_local! {
    /// Whose pause is over next.
    static TURN: Rc<Semaphore> = Rc::new(Semaphore::new(1));
}

/// One caller a thread goes on each time that the runtime has looked at its sockets, so that many
/// long computations hold others up no longer than one of them.
async fn pause() {
    let turn = TURN.with(Rc::clone);
    let turn = turn.acquire().await;
    tokio::task::yield_now().await;
    drop(turn);
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

    async fn pause(&self) {
        pause().await;
    }

    async fn fetch(&self, call: Call) -> Result<Response<Bytes>, FetchError> {
        self.outbound.fetch(call).await
    }

    fn later(&self, work: impl AsyncFnOnce(&Self) + 'static) {
        let host = self.clone();
        self.later.begin(async move { work(&host).await });
    }

    async fn smtp(&self, server: &Smtp, message: &Message) -> Result<(), Refusal> {
        smtp::send(server, message).await
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::UnixStream,
        runtime::{Builder, LocalOptions},
        task::spawn_local,
    };

    use super::*;

    /// However many compute, a message between two others waits for few of their pieces.
    #[test]
    fn computations_make_way_for_sockets() {
        const MESSAGES: usize = 50;
        let runtime =
            Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        runtime.unwrap().block_on(async {
            let pieces = Rc::new(Cell::new(0));
            for _ in 0..40 {
                let pieces = Rc::clone(&pieces);
                spawn_local(async move {
                    loop {
                        pieces.set(pieces.get() + 1);
                        pause().await;
                    }
                });
            }
            let (mut near, mut far) = UnixStream::pair().unwrap();
            spawn_local(async move {
                while let Ok(byte) = far.read_u8().await {
                    far.write_u8(byte).await.unwrap();
                }
            });
            for _ in 0..MESSAGES {
                near.write_u8(1).await.unwrap();
                near.read_u8().await.unwrap();
            }
            let pieces = pieces.get();
            assert!(pieces > MESSAGES && pieces < 10 * MESSAGES, "{pieces} pieces");
        });
    }
}
