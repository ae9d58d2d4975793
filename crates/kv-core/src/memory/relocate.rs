//! Effects on two keys: what one holds is put at the other, in two steps, since their stripes may differ.
//!
//! Invariant: nothing large is copied: the new entry shares the value with the old one. Where the old one goes, it
//! goes at once, so that the value is the new one's alone before anybody can change it.

use super::MemoryStore;
use super::garbage::Garbage;
use super::place::{Place, Spot};
use super::raw::Slot;
use super::stripe::Stripe;
use crate::{Db, Effect};

/// An effect on two keys, taken apart.
pub(super) struct Relocation<'a> {
    pub(super) from_db: Db,
    pub(super) from: &'a [u8],
    pub(super) db: Db,
    pub(super) key: &'a [u8],
    /// Whether the first key goes.
    moves: bool,
}

impl<'a> Relocation<'a> {
    /// What `effect` does with two keys; `None` if it is none of that kind, or if both keys are the same one.
    pub(super) fn of(effect: &Effect<'a>) -> Option<Self> {
        let ((from_db, from), (db, key)) = (effect.source()?, effect.key()?);
        let moves = matches!(effect, Effect::MoveKey { .. });
        ((from_db, from) != (db, key)).then_some(Self {
            from_db,
            from,
            db,
            key,
            moves,
        })
    }

    /// What happens to the first key, as an effect of its own: it goes, if it does.
    pub(super) fn end_of_source(&self) -> Option<Effect<'a>> {
        self.moves.then_some(Effect::Delete {
            db: self.from_db,
            key: self.from,
        })
    }

    /// The first step, in the stripe of the first key, which is at `from`: the entry that the second key, which
    /// is at `to`, gets.
    pub(super) fn take(&self, stripe: &mut Stripe, from: Place, to: Place) -> Option<Slot> {
        let table = stripe.existing_table(self.from_db)?;
        let slot = table.slot(from, self.from)?;
        let new = slot.duplicate_as(to.check(), self.key);
        if self.moves {
            let removed = stripe.told(self.from_db, from, self.from, |stripe| {
                stripe.table(self.from_db).remove(from, self.from)
            });
            drop(removed);
        }
        Some(new)
    }

    /// The second step, in the stripe of the second key, which is at `to`. Returns what is to be dropped when no
    /// lock is held any more.
    pub(super) fn put(&self, stripe: &mut Stripe, to: Place, new: Option<Slot>) -> Option<Garbage> {
        stripe.put_entry(self.db, to, self.key, new)
    }
}

impl Stripe {
    /// Makes `entry` what is at `key`, or leaves nothing there. Returns what is to be dropped when no lock is held
    /// any more.
    pub(super) fn put_entry(
        &mut self,
        db: Db,
        place: Place,
        key: &[u8],
        entry: Option<Slot>,
    ) -> Option<Garbage> {
        let replaced = self.told(db, place, key, |stripe| {
            let table = stripe.table(db);
            let replaced = table.remove(place, key);
            if let Some(entry) = entry {
                table.insert(place, entry);
            }
            replaced
        });
        replaced.and_then(Garbage::of_entry)
    }
}

impl MemoryStore {
    /// Applies an effect on two keys from a log.
    pub(super) fn apply_relocation(&self, relocation: &Relocation<'_>) {
        let Relocation {
            from_db,
            from,
            db,
            key,
            ..
        } = *relocation;
        self.check_database(from_db);
        self.check_database(db);
        let (from, to): (Spot, Spot) = (self.placing.spot(from), self.placing.spot(key));
        let mut stripe = self.lock(from.stripe);
        let new = relocation.take(&mut stripe, from.place, to.place);
        self.totals.publish(from.stripe, from_db, &stripe);
        drop(stripe);
        let mut stripe = self.lock(to.stripe);
        drop(relocation.put(&mut stripe, to.place, new));
        self.totals.publish(to.stripe, db, &stripe);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::model::Model;
    use crate::{
        At, Db, Effect, KeySet, MemoryOptions, MemoryStore, Store, StringRef, StringValue,
        UnixMillis,
    };

    const AT: At = At {
        db: Db::FIRST,
        now: UnixMillis(0),
    };

    fn address(store: &MemoryStore, key: &[u8]) -> *const u8 {
        let look = store.read_with(AT, KeySet::One(key), |view| match view.string(key) {
            Ok(Some(StringRef::Shared(bytes))) => bytes.as_ptr(),
            _ => panic!("a large string"),
        });
        look.0
    }

    #[test]
    fn a_large_value_is_neither_copied_nor_shared_after_a_move() {
        let store = MemoryStore::new(MemoryOptions::default());
        let large = vec![b'v'; 1 << 20];
        let (from, to) = (&b"from"[..], &b"to"[..]);
        let keys = [from, to];
        let wrote = store.write_with(AT, KeySet::Many(&keys), |txn| {
            txn.set_string(from, StringValue::new(&large), Some(UnixMillis(5)));
        });
        wrote.expect("no refusal");
        let before = address(&store, from);
        let moved = store.write_with(AT, KeySet::Many(&keys), |txn| {
            txn.move_key(from, Db::FIRST, to) && !txn.exists(from)
        });
        assert!(moved.expect("no refusal").0);
        assert_eq!(address(&store, to), before);
        let patched = store.write_with(AT, KeySet::One(to), |txn| {
            txn.patch_string(to, 3, b"patched");
        });
        patched.expect("no refusal");
        assert_eq!(address(&store, to), before);
        assert_eq!(store.len(Db::FIRST), 1);
    }

    #[test]
    fn a_patch_of_a_copy_leaves_the_original() {
        let store = MemoryStore::new(MemoryOptions::default());
        let large = vec![b'v'; 5_000];
        let mut model = Model::default();
        let set = Effect::SetString {
            db: Db(1),
            key: b"from",
            value: StringValue::new(&large),
            expires: None,
        };
        let copy = Effect::CopyKey {
            from_db: Db(1),
            from: b"from",
            db: Db(0),
            key: b"to",
        };
        let patch = |db, key, offset| Effect::PatchString {
            db,
            key,
            offset,
            bytes: b"17",
        };
        for effect in [
            set,
            copy,
            patch(Db(0), b"to", 4_999),
            patch(Db(1), b"from", 0),
            patch(Db(1), b"new", 0),
            patch(Db(1), b"gap", 4_500),
        ] {
            store.apply(&effect);
            model.apply(&effect);
        }
        assert_eq!(Model::of(&store), model);
    }
}
