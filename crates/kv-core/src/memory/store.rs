//! [`Store`] on a [`MemoryStore`].

use std::sync::Arc;

use super::MemoryStore;
use super::place::Place;
use super::relocate::Relocation;
use crate::{
    At, Db, Effect, ExpireSweep, Item, KeySet, Libraries, Lsn, Refusal, Store, StoreError, Txn,
    UnixMillis, View,
};

impl Store for MemoryStore {
    fn read(&self, at: At, keys: KeySet<'_>, look: &mut dyn FnMut(&mut View<'_>)) -> Lsn {
        self.read_with(at, keys, look).1
    }

    fn write(
        &self,
        at: At,
        keys: KeySet<'_>,
        change: &mut dyn FnMut(&mut Txn<'_>),
    ) -> Result<Lsn, Refusal> {
        self.write_with(at, keys, change).map(|((), lsn)| lsn)
    }

    fn apply(&self, effect: &Effect<'_>) {
        if self.shelf.apply(effect) {
            return;
        }
        if effect.source().is_some() {
            if let Some(relocation) = Relocation::of(effect) {
                self.apply_relocation(&relocation);
            }
            return;
        }
        let Some((db, key)) = effect.key() else {
            if let Effect::SwapDbs { one, other } = *effect {
                self.check_database(one);
                self.check_database(other);
            }
            for number in 0..=self.last_stripe() {
                let mut stripe = self.lock(number);
                stripe.set_fresh(self.usage.fresh(self.made));
                drop(stripe.apply(Place::START, effect));
                self.totals.publish_all(number, &stripe);
            }
            return;
        };
        self.check_database(db);
        let spot = self.placing.spot(key);
        let mut stripe = self.lock(spot.stripe);
        stripe.set_fresh(self.usage.fresh(self.made));
        drop(stripe.apply(spot.place, effect));
        self.totals.publish(spot.stripe, db, &stripe);
    }

    fn wait(&self, _lsn: Lsn) -> Result<(), StoreError> {
        Ok(())
    }

    fn len(&self, db: Db) -> u64 {
        self.check_database(db);
        self.totals.keys(db)
    }

    fn for_each(&self, show: &mut dyn FnMut(&Item<'_>)) {
        for stripe in 0..=self.last_stripe() {
            self.lock(stripe).for_each(show);
        }
    }

    fn libraries(&self) -> Arc<Libraries> {
        self.shelf.look().0
    }

    fn newest(&self) -> Lsn {
        self.totals.newest()
    }

    fn expire_due(&self, now: UnixMillis, budget_keys: usize) -> ExpireSweep {
        self.sweep(now, budget_keys)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use crate::testing::conformance;
    use crate::testing::generate::{DATABASES, Operation, effects, operations};
    use crate::testing::log::ManualLog;
    use crate::testing::mirror::Mirror;
    use crate::testing::model::{Model, ModelStore};
    use crate::{Clock, Db, KeyValue, ManualClock, MemoryOptions, MemoryStore, Store, UnixMillis};

    const CASES: u32 = if cfg!(miri) { 2 } else { 64 };
    const STEPS: usize = if cfg!(miri) { 30 } else { 200 };

    /// Few where an interpreter runs the tests.
    const STRIPES: usize = if cfg!(miri) { 4 } else { 1024 };

    fn store(stripes: usize, clock: Arc<ManualClock>) -> MemoryStore {
        MemoryStore::new(MemoryOptions {
            databases: DATABASES,
            stripes,
            clock,
            ..MemoryOptions::default()
        })
    }

    #[test]
    fn conforms_to_key_value() {
        conformance::key_value::all(|| {
            store(STRIPES, Arc::new(ManualClock::new(UnixMillis(1_000))))
        });
        conformance::key_value::all(|| store(1, Arc::new(ManualClock::new(UnixMillis(1_000)))));
    }

    #[test]
    fn conforms_to_store() {
        conformance::store::all(|| store(STRIPES, Arc::default()));
        conformance::store::all(|| store(1, Arc::default()));
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: CASES,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn effects_mean_what_the_model_says(effects in vec(effects(), 0..STEPS)) {
            let store = store(2, Arc::default());
            let mut model = Model::default();
            for effect in &effects {
                effect.with(|effect| store.apply(effect));
                effect.with(|effect| model.apply(effect));
                for db in (0..DATABASES).map(Db) {
                    prop_assert_eq!(Store::len(&store, db), model.len(db));
                }
            }
            prop_assert_eq!(Model::of(&store), model);
        }

        #[test]
        fn calls_mean_what_the_model_says_and_replay_gives_the_same(
            operations in vec(operations(), 0..STEPS),
        ) {
            let clock = Arc::new(ManualClock::new(UnixMillis(1_000)));
            let log = Arc::new(ManualLog::default());
            let mirror = Mirror {
                first: store(2, clock.clone()).with_log(log.clone()),
                second: ModelStore::new(clock.clone()),
            };
            for operation in &operations {
                prop_assert_eq!(operation.run(&mirror, &clock), Ok(()));
                if let Operation::Advance(_) = operation {
                    mirror.first.expire_due(clock.now(), 3);
                }
            }
            prop_assert_eq!(mirror.check(), Ok(()));

            let replayed = store(1, clock.clone());
            log.replay(&replayed);
            prop_assert_eq!(Model::of(&replayed), Model::of(&mirror.first));

            let mut live = Model::of(&mirror.first);
            live.expire(clock.now());
            prop_assert_eq!(live.len(Db::FIRST), mirror.second.len().expect("the model's"));
            while mirror.first.expire_due(clock.now(), 100).more {}
            prop_assert_eq!(Model::of(&mirror.first), live);
        }
    }
}
