//! A wire to a server that can be held still: everything stays connected, nothing arrives.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use crate::{Error, Result};

#[derive(Default)]
struct State {
    /// What holds everything still as soon as either side says it.
    word: Mutex<Vec<u8>>,
    /// Counts up with each freeze; a connection from before it stays still for ever.
    ice_ages: AtomicU64,
    delay_millis: AtomicU64,
    latency_millis: AtomicU64,
    closed: AtomicBool,
}

/// A way to `target`, a port of this machine, that a test can trouble.
pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

impl Proxy {
    pub fn before(target: u16) -> Result<Self> {
        let failed = |error| Error::Failed(format!("no port to listen on: {error}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(std::result::Result::ok) {
                if shared.closed.load(Relaxed) {
                    return;
                }
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(client, target, &state));
            }
        });
        Ok(Self { port, state })
    }

    /// Nothing passes any more on the connections that are open now; new ones are served.
    pub fn freeze(&self) {
        self.state.ice_ages.fetch_add(1, Relaxed);
    }

    /// The same, as soon as either side says `word`, which is not passed on.
    pub fn freeze_at(&self, word: &str) {
        *self.state.word.lock().unwrap_or_else(PoisonError::into_inner) = word.into();
    }

    /// How long whatever is said takes to arrive, either way: half of a round trip.
    pub fn latency(&self, latency: Duration) {
        self.state.latency_millis.store(latency.as_millis() as u64, Relaxed);
    }

    /// How long a new connection waits before it is put through.
    pub fn delay(&self, delay: Duration) {
        self.state.delay_millis.store(delay.as_millis() as u64, Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.closed.store(true, Relaxed);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// A server that can't be reached looks like one that hangs up.
fn serve(client: TcpStream, target: u16, state: &Arc<State>) {
    thread::sleep(Duration::from_millis(state.delay_millis.load(Relaxed)));
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) else { return };
    for (from, to) in [(&client, &server), (&server, &client)] {
        let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { return };
        let state = Arc::clone(state);
        thread::spawn(move || copy(from, to, &state));
    }
}

/// Holds everything still where the word is said, once.
fn listen(said: &[u8], state: &State) {
    let mut word = state.word.lock().unwrap_or_else(PoisonError::into_inner);
    if !word.is_empty() && said.windows(word.len()).any(|part| part == &**word) {
        word.clear();
        state.ice_ages.fetch_add(1, Relaxed);
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, state: &State) {
    let born = state.ice_ages.load(Relaxed);
    let mut buffer = [0; 4096];
    loop {
        let read = from.read(&mut buffer).unwrap_or(0);
        listen(&buffer[..read], state);
        thread::sleep(Duration::from_millis(state.latency_millis.load(Relaxed)));
        if state.ice_ages.load(Relaxed) > born {
            continue_in_silence(&mut from, &mut buffer, read);
            return;
        }
        if read == 0 || to.write_all(&buffer[..read]).is_err() {
            let _ = to.shutdown(Shutdown::Write);
            return;
        }
    }
}

/// Swallows what comes, so that the sender's system believes that somebody is there.
fn continue_in_silence(from: &mut TcpStream, buffer: &mut [u8], mut read: usize) {
    while read > 0 {
        read = from.read(buffer).unwrap_or(0);
    }
    thread::sleep(Duration::from_secs(60));
}
