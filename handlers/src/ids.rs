//! Identifiers: UUIDv7 (RFC 9562), in the order in which an instance makes them.

use std::sync::atomic::{AtomicU64, Ordering};

use trireme_core::{Timestamp, Uuid, host::Host, uuid::Builder};

const COUNTER_BITS: u32 = 12;

/// What an instance's identifiers are made from. Each is greater than the one before, within one
/// millisecond and when the clock goes back (RFC 9562, 6.2, method 1): the 12 bits behind the time
/// begin each millisecond at random in their lower half and count, and what overflows borrows from
/// the next millisecond. 62 random bits follow.
#[derive(Default)]
pub struct Ids {
    /// Time and counter of the newest: 48 and 12 bits.
    newest: AtomicU64,
}

impl Ids {
    pub fn next<H: Host>(&self, host: &H, now: Timestamp) -> Uuid {
        self.after(now, random(host))
    }

    fn after(&self, now: Timestamp, mut random: [u8; 10]) -> Uuid {
        let start =
            u64::from(u16::from_be_bytes([random[0], random[1]])) >> (16 - COUNTER_BITS + 1);
        let fresh = millis(now) << COUNTER_BITS | start;
        let follow = |newest: u64| {
            if fresh >> COUNTER_BITS > newest >> COUNTER_BITS { fresh } else { newest + 1 }
        };
        let follows = self
            .newest
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |newest| Some(follow(newest)));
        let place = follow(follows.unwrap_or_else(|newest| newest));
        let counter = (place & ((1 << COUNTER_BITS) - 1)) as u16;
        random[..2].copy_from_slice(&counter.to_be_bytes());
        Builder::from_unix_timestamp_millis(place >> COUNTER_BITS, &random).into_uuid()
    }
}

/// A UUIDv7 of this moment that nothing is sorted by: a request's.
pub fn unordered<H: Host>(host: &H, now: Timestamp) -> Uuid {
    of(now, &random(host))
}

/// The UUIDv7 of a moment and of randomness.
pub fn of(now: Timestamp, random: &[u8; 10]) -> Uuid {
    Builder::from_unix_timestamp_millis(millis(now), random).into_uuid()
}

fn millis(now: Timestamp) -> u64 {
    u64::try_from(now.millis()).unwrap_or_default()
}

fn random<H: Host>(host: &H) -> [u8; 10] {
    let mut random = [0; 10];
    host.random(&mut random);
    random
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_176_000_000);

    fn at(ids: &Ids, offset: i64, random: u8) -> Uuid {
        ids.after(Timestamp::from_millis(NOW.millis() + offset), [random; 10])
    }

    #[test]
    fn each_is_greater_than_the_one_before() {
        let ids = Ids::default();
        // Whatever the clock and the randomness do.
        let made: Vec<_> =
            [(0, 255), (0, 0), (0, 128), (-5, 7), (-3_600_000, 255), (1, 0), (0, 255), (2, 9)]
                .map(|(offset, random)| at(&ids, offset, random))
                .into();
        assert!(made.is_sorted_by(|a, b| a < b), "{made:?}");
        assert!(made.iter().all(|id| (id.get_version_num(), id.get_variant())
            == (7, trireme_core::uuid::Variant::RFC4122)));
        assert_eq!(at(&ids, 60_000, 1).get_timestamp().unwrap().to_unix(), (1_795_176_060, 0));
    }

    #[test]
    fn a_full_millisecond_borrows_from_the_next() {
        let ids = Ids::default();
        let made: Vec<_> = (0..5000).map(|_| at(&ids, 0, 255)).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
        let millis = |id: &Uuid| id.as_u128() >> 80;
        assert_eq!(millis(&made[2048]), millis(&made[0]), "half of the counter is always free");
        assert_eq!(millis(&made[4999]), millis(&made[0]) + 1);
    }

    #[test]
    fn what_follows_is_not_guessed() {
        let ids = Ids::default();
        let last_62 = |random| at(&ids, 0, random).as_u128() & ((1 << 62) - 1);
        let of = |random| u128::from(u64::from_be_bytes([random; 8])) & ((1 << 62) - 1);
        assert_eq!([last_62(1), last_62(0x5a), last_62(0xff)], [of(1), of(0x5a), of(0xff)]);
    }

    #[test]
    fn threads_share_one_order() {
        let ids = Ids::default();
        let lists = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|thread| {
                    let ids = &ids;
                    scope.spawn(move || (0..2000).map(|_| at(ids, 0, thread)).collect::<Vec<_>>())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(lists.iter().all(|list| list.is_sorted_by(|a, b| a < b)));
        // The random bits differ between the threads alone: what tells ids apart is the count.
        let counts: HashSet<_> = lists.iter().flatten().map(|id| id.as_u128() >> 64).collect();
        assert_eq!(counts.len(), 8000);
    }
}
