//! A wire to a server that can be held still: everything stays connected, nothing arrives.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

#[derive(Default)]
struct State {
    /// Counts up with each freeze; a connection from before it stays still for ever.
    ice_ages: AtomicU64,
    delay_millis: AtomicU64,
    closed: AtomicBool,
}

pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

impl Proxy {
    pub fn before(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                if shared.closed.load(Relaxed) {
                    return;
                }
                let (client, state) = (client.unwrap(), Arc::clone(&shared));
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(state.delay_millis.load(Relaxed)));
                    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).unwrap();
                    for (from, to) in [(&client, &server), (&server, &client)] {
                        let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                        let state = Arc::clone(&state);
                        thread::spawn(move || copy(from, to, &state));
                    }
                });
            }
        });
        Self { port, state }
    }

    /// Nothing passes any more on the connections that are open now; new ones are served.
    pub fn freeze(&self) {
        self.state.ice_ages.fetch_add(1, Relaxed);
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

fn copy(mut from: TcpStream, mut to: TcpStream, state: &State) {
    let born = state.ice_ages.load(Relaxed);
    let mut buffer = [0; 4096];
    loop {
        let read = from.read(&mut buffer).unwrap_or(0);
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
