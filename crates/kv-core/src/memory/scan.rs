//! Walking a database in hash order, a few keys at a time.

use super::MemoryStore;
use super::place::Spot;
use super::stripe::item;
use crate::{At, Cursor, Item};

/// Buckets without what is looked for that one call passes over, for each key asked for.
const BUCKETS_PER_KEY: usize = 10;

impl MemoryStore {
    /// Shows about `count` keys of the database from `cursor` on, and returns where to go on;
    /// [`Cursor::START`] when there are no more. What has expired is not shown.
    ///
    /// Every key that is there from the first call to the last is shown exactly once, whatever other keys come
    /// and go. A cursor is good for the life of the store; one that this store never gave shows nothing or
    /// begins somewhere.
    ///
    /// `show` runs while a stripe is locked: it must not call the store.
    ///
    /// # Panics
    ///
    /// When the store has no such database.
    pub fn scan_at(
        &self,
        at: At,
        cursor: Cursor,
        count: usize,
        show: &mut dyn FnMut(&Item<'_>),
    ) -> Cursor {
        self.check_database(at.db);
        let Some(mut spot) = Spot::of_cursor(cursor) else {
            return Cursor::START;
        };
        let mut wanted = count.max(1);
        let mut buckets = wanted.saturating_mul(BUCKETS_PER_KEY);
        while spot.stripe <= self.last_stripe() {
            match self.scan_stripe(at, spot, &mut wanted, &mut buckets, show) {
                Some(next) => spot = next,
                None => spot = Spot::start_of(spot.stripe + 1),
            }
            if wanted == 0 || buckets == 0 {
                break;
            }
        }
        if spot.stripe <= self.last_stripe() {
            spot.cursor()
        } else {
            Cursor::START
        }
    }

    /// Shows what one stripe has from `spot` on, taking what is shown off `wanted` and the buckets it passes
    /// off `buckets`. Returns where to go on in this stripe.
    fn scan_stripe(
        &self,
        at: At,
        spot: Spot,
        wanted: &mut usize,
        buckets: &mut usize,
        show: &mut dyn FnMut(&Item<'_>),
    ) -> Option<Spot> {
        let stripe = self.lock(spot.stripe);
        let table = stripe.existing_table(at.db)?;
        let wanted = std::cell::Cell::from_mut(wanted);
        let next = table.walk(
            spot.place,
            |slot| {
                let item = item(at.db, slot.entry());
                if item.expires.is_none_or(|expires| expires > at.now) {
                    show(&item);
                    wanted.set(wanted.get().saturating_sub(1));
                }
            },
            || {
                *buckets -= 1;
                wanted.get() == 0 || *buckets == 0
            },
        );
        next.map(|place| Spot { place, ..spot })
    }
}
