//! Who is connected: how many in all, how many from each address, and who has to make way.
//!
//! Where a limit is reached, a connection that is idle makes way for the new one. Where none is,
//! the new one is still accepted, but as an extra: for a short while, and for health paths alone.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::IpAddr,
    ops::RangeInclusive,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{
            AtomicBool, AtomicU64, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    task::Context,
    time::Instant,
};

use futures_util::task::AtomicWaker;
use trireme_core::config::Proxies;

use super::Limits;

/// Extras at a time; the oldest makes way for one more.
pub const EXTRAS: usize = 256;

/// How many connections are looked at for one that is idle.
const LOOKED_AT: usize = 64;

/// The connections of all threads.
pub struct Guests {
    all: usize,
    per_address: usize,
    /// Who brings the connections of many.
    exempt: Proxies,
    begun: Instant,
    open: AtomicUsize,
    shed: AtomicU64,
    crowded: AtomicU64,
    list: Mutex<List>,
}

/// In figures, as the metrics show them.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Open connections, extras included.
    pub open: usize,
    /// Idle ones that made way.
    pub shed: u64,
    /// Those that were extras.
    pub crowded: u64,
}

/// A guest's place: the network it comes from, and its number.
type Place = (u128, u64);

#[derive(Default)]
struct List {
    all: BTreeMap<Place, Arc<Guest>>,
    by_network: HashMap<u128, usize>,
    extras: VecDeque<Weak<Guest>>,
    /// The newest one's number.
    number: u64,
    /// How far the last search for an idle one went.
    reached: Place,
}

/// One connection, as the others see it.
pub struct Guest {
    guests: Arc<Guests>,
    place: Place,
    is_extra: bool,
    /// Milliseconds since [`Guests::begun`], and one; 0 while it is busy.
    idle_since: AtomicU64,
    shed: AtomicBool,
    waker: AtomicWaker,
}

impl Guests {
    /// Connections from `exempt` addresses are limited in all alone.
    pub fn new(limits: &Limits, exempt: Proxies) -> Arc<Self> {
        Arc::new(Self {
            all: limits.connections,
            per_address: limits.connections_per_address,
            exempt,
            begun: Instant::now(),
            open: AtomicUsize::new(0),
            shed: AtomicU64::new(0),
            crowded: AtomicU64::new(0),
            list: Mutex::default(),
        })
    }

    pub fn figures(&self) -> Figures {
        Figures {
            open: self.open.load(Relaxed),
            shed: self.shed.load(Relaxed),
            crowded: self.crowded.load(Relaxed),
        }
    }

    /// Lets a connection in; it is counted until what this gives is dropped.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Seat {
        let network = network(address);
        let exempt = self.exempt.trusts(address);
        let mut list = self.list();
        let here = list.by_network.get(&network).copied().unwrap_or(0);
        let room = if !exempt && here >= self.per_address {
            self.shed(&mut list, (network, 0)..=(network, u64::MAX))
        } else if list.all.len() >= self.all {
            self.shed(&mut list, (0, 0)..=(u128::MAX, u64::MAX))
        } else {
            true
        };
        list.number += 1;
        let place = (network, list.number);
        let guest = Arc::new(Guest {
            guests: Arc::clone(self),
            place,
            is_extra: !room,
            idle_since: AtomicU64::new(self.millis(Instant::now())),
            shed: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        self.open.fetch_add(1, Relaxed);
        if room {
            list.all.insert(place, Arc::clone(&guest));
            *list.by_network.entry(network).or_default() += 1;
        } else {
            self.crowded.fetch_add(1, Relaxed);
            if list.extras.len() >= EXTRAS
                && let Some(oldest) = list.extras.pop_front().and_then(|oldest| oldest.upgrade())
            {
                oldest.send_away();
            }
            list.extras.push_back(Arc::downgrade(&guest));
        }
        Seat(guest)
    }

    /// Sends away the one that has been idle for longest, of the first that are met in `range`.
    fn shed(&self, list: &mut List, range: RangeInclusive<Place>) -> bool {
        // The search goes on where the last one ended, and comes round.
        let (first, last) = range.into_inner();
        let from = list.reached.clamp(first, last);
        let ring = list.all.range(from..=last).chain(list.all.range(first..from));
        let looked_at: Vec<_> = ring
            .take(LOOKED_AT)
            .map(|(place, guest)| (guest.idle_since.load(Relaxed), *place))
            .collect();
        list.reached = looked_at.last().map_or(first, |(_, place)| *place);
        let idle = looked_at.into_iter().filter(|(since, _)| *since > 0).min();
        let Some((_, place)) = idle else { return false };
        if let Some(guest) = list.remove(place) {
            self.shed.fetch_add(1, Relaxed);
            guest.send_away();
        }
        true
    }

    fn millis(&self, moment: Instant) -> u64 {
        moment.duration_since(self.begun).as_millis() as u64 + 1
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn remove(&mut self, place: Place) -> Option<Arc<Guest>> {
        let guest = self.all.remove(&place)?;
        if let Some(count) = self.by_network.get_mut(&place.0) {
            *count -= 1;
            if *count == 0 {
                self.by_network.remove(&place.0);
            }
        }
        Some(guest)
    }
}

impl Guest {
    pub fn is_extra(&self) -> bool {
        self.is_extra
    }

    /// A request is under way.
    pub fn busy(&self) {
        self.idle_since.store(0, Relaxed);
    }

    /// Nothing is under way, since `moment`.
    pub fn idle(&self, moment: Instant) {
        self.idle_since.store(self.guests.millis(moment), Relaxed);
    }

    /// Wakes the task, from now on, when it has to make way.
    pub fn wakes(&self, context: &mut Context<'_>) {
        self.waker.register(context.waker());
    }

    /// Whether it has to make way.
    pub fn is_shed(&self) -> bool {
        self.shed.load(Acquire)
    }

    fn send_away(&self) {
        self.shed.store(true, Release);
        self.waker.wake();
    }
}

/// Counts a connection until it is dropped.
pub struct Seat(pub Arc<Guest>);

impl Drop for Seat {
    fn drop(&mut self) {
        let guests = &self.0.guests;
        guests.open.fetch_sub(1, Relaxed);
        let mut list = guests.list();
        if self.0.is_extra {
            let own = Arc::as_ptr(&self.0);
            list.extras.retain(|extra| !std::ptr::eq(extra.as_ptr(), own));
        } else {
            list.remove(self.0.place);
        }
    }
}

/// Whom an address belongs to: itself for IPv4, a network of 64 bits for IPv6.
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guests(all: usize, per_address: usize) -> Arc<Guests> {
        let limits =
            Limits { connections: all, connections_per_address: per_address, ..Limits::default() };
        Guests::new(&limits, Proxies::parse(&["10.0.0.0/8".to_owned()]).unwrap())
    }

    fn admit(guests: &Arc<Guests>, address: &str) -> Seat {
        guests.admit(address.parse().unwrap())
    }

    fn busy(guests: &Arc<Guests>, address: &str) -> Seat {
        let seat = admit(guests, address);
        seat.0.busy();
        seat
    }

    fn is_shed(seat: &Seat) -> bool {
        seat.0.is_shed()
    }

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let guests = guests(100, 2);
        for (one, other) in
            [("192.0.2.1", "::ffff:192.0.2.1"), ("2001:db8::1", "2001:db8:0:0:9:8:7:6")]
        {
            let full = [busy(&guests, one), busy(&guests, other)];
            let extra = busy(&guests, one);
            assert!(extra.0.is_extra() && !is_shed(&full[0]) && !is_shed(&full[1]));
            assert!(!busy(&guests, "192.0.2.2").0.is_extra(), "others are not concerned");
            drop(full);
            assert!(!busy(&guests, one).0.is_extra(), "the share is free again");
        }
        let proxied: Vec<_> = (0..50).map(|_| busy(&guests, "10.1.2.3")).collect();
        assert!(proxied.iter().all(|seat| !seat.0.is_extra()));
        drop(proxied);
        assert_eq!((guests.figures().open, guests.figures().crowded), (0, 2));
        assert!(guests.list().by_network.is_empty() && guests.list().extras.is_empty());
    }

    #[test]
    fn who_is_idle_makes_way() {
        let guests = guests(3, 2);
        let (first, second) = (busy(&guests, "192.0.2.1"), admit(&guests, "192.0.2.1"));
        let idle_elsewhere = admit(&guests, "192.0.2.2");
        // Of its own address, while that is what is full.
        assert!(!busy(&guests, "192.0.2.1").0.is_extra());
        assert!(is_shed(&second) && !is_shed(&idle_elsewhere));
        drop(second);
        let _third = busy(&guests, "192.0.2.1");
        // In all: whoever it is.
        assert!(!busy(&guests, "192.0.2.3").0.is_extra());
        assert!(is_shed(&idle_elsewhere) && !is_shed(&first));
        let _fourth = busy(&guests, "192.0.2.3");
        assert!(admit(&guests, "192.0.2.4").0.is_extra(), "all are busy");
        assert_eq!(guests.figures().shed, 2);
    }

    #[test]
    fn the_oldest_extra_makes_way_for_a_new_one() {
        let guests = guests(0, 1);
        let extras: Vec<_> = (0..=EXTRAS).map(|_| admit(&guests, "192.0.2.1")).collect();
        let shed: Vec<_> = extras.iter().map(is_shed).collect();
        assert!(shed[0] && shed[1..].iter().all(|shed| !shed));
    }
}
