//! Work after answers: bounded in number and time, and awaited by a drain.

use std::time::{Duration, Instant};

use tokio::{sync::watch, task::spawn_local, time::timeout};
use trireme_core::host::LATER;

/// Under way at once, in the whole process.
const MOST: usize = 1000;

/// All of the process's. A clone is another handle on the same.
#[derive(Clone, Default)]
pub struct Later(watch::Sender<State>);

#[derive(Default)]
struct State {
    under_way: usize,
    /// When the log last told of too much.
    told: Option<Instant>,
}

impl Later {
    /// Begins `work` on this thread, unless too much is under way.
    pub fn begin(&self, work: impl Future<Output = ()> + 'static) {
        if !self.0.send_if_modified(State::enter) {
            return;
        }
        let place = Place(self.0.clone());
        spawn_local(async move {
            if timeout(LATER, work).await.is_err() {
                tracing::warn!("work after an answer was given up: it took too long");
            }
            drop(place);
        });
    }

    pub fn under_way(&self) -> usize {
        self.0.borrow().under_way
    }

    /// Resolves when nothing is under way.
    pub async fn done(&self) {
        // An error would mean that it is gone itself.
        let _ = self.0.subscribe().wait_for(|state| state.under_way == 0).await;
    }
}

impl State {
    fn enter(&mut self) -> bool {
        if self.under_way < MOST {
            self.under_way += 1;
            return true;
        }
        let now = Instant::now();
        if self.told.is_none_or(|told| now > told + Duration::from_secs(1)) {
            self.told = Some(now);
            tracing::warn!("work after an answer was not begun: {MOST} are under way");
        }
        false
    }
}

/// Counts as under way until it is dropped: at its end, in a panic, with the runtime.
struct Place(watch::Sender<State>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.send_modify(|state| state.under_way -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use tokio::{
        runtime::{Builder, LocalOptions},
        sync::Notify,
        task::yield_now,
    };

    use super::*;

    fn on_a_thread(test: impl Future<Output = ()>) {
        let runtime =
            Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        runtime.unwrap().block_on(test);
    }

    #[test]
    fn no_more_than_so_many_are_begun() {
        on_a_thread(async {
            let (later, go_on) = (Later::default(), Rc::new(Notify::new()));
            let begun = Rc::new(Cell::new(0));
            let begin = || {
                let (begun, go_on) = (Rc::clone(&begun), Rc::clone(&go_on));
                later.begin(async move {
                    begun.set(begun.get() + 1);
                    go_on.notified().await;
                });
            };
            // The runtime begins some of them at a time.
            let settle = async || {
                for _ in 0..100 {
                    yield_now().await;
                }
            };
            (0..MOST + 5).for_each(|_| begin());
            settle().await;
            assert_eq!((begun.get(), later.under_way()), (MOST, MOST));
            go_on.notify_waiters();
            later.done().await;
            begin();
            settle().await;
            assert_eq!((begun.get(), later.under_way()), (MOST + 1, 1));
        });
    }

    #[test]
    fn a_panic_leaves_its_place() {
        on_a_thread(async {
            let later = Later::default();
            later.begin(async { panic!("on purpose") });
            assert_eq!(later.under_way(), 1);
            later.done().await;
        });
    }
}
