//! Where a key belongs: its stripe, and its place in the hash order of that stripe.
//!
//! The top bits of a key's hash number its stripe, the 24 bits below them are its [`Place`]. Each bucket of a
//! table keeps the keys of one span of places, all spans equally long. So stripes, buckets and entries all
//! stand in hash order, whatever sizes the tables have, and a point in that order is a cursor that survives
//! any growth.
//!
//! Invariant: every entry's slot and tag together hold its whole place, so that a table can grow without
//! touching an entry.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;

use crate::Cursor;

/// A point in the hash order of one stripe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u32);

impl Place {
    /// How many bits of the hash a place has.
    pub(crate) const BITS: u32 = 24;
    /// The first point of the order.
    pub(crate) const START: Self = Self(0);

    /// The place of these bits of a hash.
    ///
    /// # Panics
    ///
    /// When there are more than [`Place::BITS`] of them.
    pub(crate) const fn new(bits: u32) -> Self {
        assert!(bits >> Self::BITS == 0, "a place has 24 bits");
        Self(bits)
    }

    /// The place that [`Place::check`] and [`Place::tag`] were taken from.
    pub(crate) fn of_parts(check: u16, tag: u8) -> Self {
        Self(u32::from(check) << 8 | u32::from(tag))
    }

    /// The first 16 bits: they are kept beside the entry's address.
    #[expect(clippy::cast_possible_truncation, reason = "a place has 24 bits")]
    pub(crate) fn check(self) -> u16 {
        (self.0 >> 8) as u16
    }

    /// The last 8 bits: they are kept in the head of the bucket.
    #[expect(clippy::cast_possible_truncation, reason = "the last 8 bits are meant")]
    pub(crate) fn tag(self) -> u8 {
        self.0 as u8
    }

    /// The number of the bucket of this place in a table of so many buckets.
    #[inline]
    pub(crate) fn bucket(self, buckets: usize) -> usize {
        (self.0 as usize * buckets) >> Self::BITS
    }

    /// The first place of the bucket after this place's, in a table of so many buckets; `None` after the last
    /// bucket.
    pub(crate) fn next_bucket(self, buckets: usize) -> Option<Self> {
        let first = ((self.bucket(buckets) + 1) << Self::BITS).div_ceil(buckets);
        let first = u32::try_from(first).ok()?;
        (first >> Self::BITS == 0).then_some(Self(first))
    }
}

/// The stripe of a key and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) stripe: u32,
    pub(crate) place: Place,
}

impl Spot {
    /// The first spot of a stripe.
    pub(crate) fn start_of(stripe: u32) -> Self {
        Self {
            stripe,
            place: Place::START,
        }
    }

    pub(crate) fn cursor(self) -> Cursor {
        Cursor(u64::from(self.stripe) << Place::BITS | u64::from(self.place.0))
    }

    /// The spot of a cursor; `None` when it is none of this store's.
    pub(crate) fn of_cursor(cursor: Cursor) -> Option<Self> {
        let bits = cursor.0 & ((1 << Place::BITS) - 1);
        Some(Self {
            stripe: u32::try_from(cursor.0 >> Place::BITS).ok()?,
            place: Place::new(u32::try_from(bits).ok()?),
        })
    }
}

/// The keyed hash of a store: nobody outside can choose keys that collide.
#[derive(Clone, Debug)]
pub(crate) struct Placing {
    hasher: RandomState,
    stripe_bits: u32,
}

impl Placing {
    /// For 2^`stripe_bits` stripes.
    pub(crate) fn new(stripe_bits: u32) -> Self {
        Self {
            hasher: RandomState::default(),
            stripe_bits,
        }
    }

    pub(crate) fn spot(&self, key: &[u8]) -> Spot {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key);
        let hash = hasher.finish();
        let below = hash << self.stripe_bits;
        Spot {
            stripe: top(hash, self.stripe_bits),
            place: Place(top(below, Place::BITS)),
        }
    }
}

/// The first `bits` bits of `hash`, 32 at most.
fn top(hash: u64, bits: u32) -> u32 {
    (hash >> 32 >> (32 - bits)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_the_whole_place() {
        for bits in [0, 1, 0xff, 0x100, 0xab_cdef, 0xff_ffff] {
            let place = Place::new(bits);
            assert_eq!(Place::of_parts(place.check(), place.tag()), place);
        }
    }

    #[test]
    fn buckets_follow_each_other_in_order() {
        for buckets in [1, 2, 3, 12, 96, 4096] {
            let mut place = Place::START;
            for bucket in 0..buckets {
                assert_eq!(place.bucket(buckets), bucket);
                if let Some(before) = place.0.checked_sub(1) {
                    assert_eq!(Place(before).bucket(buckets), bucket - 1);
                }
                match place.next_bucket(buckets) {
                    Some(next) => place = next,
                    None => assert_eq!(bucket, buckets - 1),
                }
            }
            assert_eq!(Place::new(0xff_ffff).bucket(buckets), buckets - 1);
        }
    }

    #[test]
    fn a_cursor_names_its_spot() {
        let spot = Spot {
            stripe: 1023,
            place: Place::new(0x12_3456),
        };
        assert_eq!(Spot::of_cursor(spot.cursor()), Some(spot));
        assert_eq!(Spot::of_cursor(Cursor(u64::MAX)), None);
    }

    #[test]
    fn spots_spread_over_all_stripes() {
        let placing = Placing::new(4);
        let mut seen = [false; 16];
        for key in 0..1_000u32 {
            seen[placing.spot(&key.to_le_bytes()).stripe as usize] = true;
        }
        assert_eq!(seen, [true; 16]);
        assert_eq!(Placing::new(0).spot(b"any").stripe, 0);
    }
}
