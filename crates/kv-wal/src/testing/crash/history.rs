//! What happened to a store, in the order of its log, and how much of it must outlive a crash.

use kv_core::{Db, Lsn};

use super::model::{Model, Sight, Step};

/// One transaction: all of it or nothing is recovered.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The LSN of its last effect.
    pub last: Lsn,
    /// Its effects, each with its database; each has an LSN of its own.
    pub steps: Vec<(Db, Step)>,
}

/// All transactions of a store from its first life on.
#[derive(Clone, Debug, Default)]
pub struct History {
    units: Vec<Unit>,
    /// The end of each unit, with the digest of the contents there.
    points: Vec<(Lsn, u64)>,
    newest: Model,
}

impl History {
    /// The LSN of the last effect.
    #[must_use]
    pub fn last(&self) -> Lsn {
        self.points.last().map_or(Lsn::ZERO, |(lsn, _)| *lsn)
    }

    /// The digest of the contents after the effect `lsn`; `None` when that is inside of a transaction, or
    /// never happened.
    #[must_use]
    pub fn digest_at(&self, lsn: Lsn) -> Option<u64> {
        if lsn == Lsn::ZERO {
            return Some(Model::default().digest());
        }
        let at = self.points.binary_search_by_key(&lsn, |(lsn, _)| *lsn);
        Some(self.points[at.ok()?].1)
    }

    /// The contents after the last transaction that ends at or before `lsn`.
    #[must_use]
    pub fn model_at(&self, lsn: Lsn) -> Model {
        let mut model = Model::default();
        for unit in self.units.iter().take_while(|unit| unit.last <= lsn) {
            for (db, step) in &unit.steps {
                model.apply(*db, step);
            }
        }
        model
    }

    /// Every LSN that may be recovered, with the digest of the contents there.
    pub fn points(&self) -> impl Iterator<Item = (Lsn, u64)> {
        let empty = (Lsn::ZERO, Model::default().digest());
        std::iter::once(empty).chain(self.points.iter().copied())
    }

    /// A history of which nothing but its points is known.
    pub(super) fn of_points(points: Vec<(Lsn, u64)>) -> Self {
        Self {
            points,
            ..Self::default()
        }
    }

    /// This history up to `lsn`: a crash took the rest.
    #[must_use]
    pub fn until(&self, lsn: Lsn) -> Self {
        let mut history = Self::default();
        for unit in self.units.iter().take_while(|unit| unit.last <= lsn) {
            history.push(unit.clone());
        }
        history
    }

    /// Adds what happened next, in any order.
    ///
    /// # Errors
    ///
    /// In words: the log gave an LSN twice, or to nobody.
    pub(super) fn extend(&mut self, mut units: Vec<Unit>) -> Result<(), String> {
        units.sort_by_key(|unit| unit.last);
        for unit in units {
            let due = self.last().advanced_by(unit.steps.len() as u64);
            if unit.last != due {
                let found = unit.last;
                return Err(format!("a transaction ended at LSN {found}, not {due}"));
            }
            self.push(unit);
        }
        Ok(())
    }

    /// The oldest point that a reader can have looked at. `None`: it never was so.
    pub(super) fn oldest_of(&self, sight: &Sight) -> Option<Lsn> {
        let mut model = Model::default();
        let mut holds = None;
        let mut since = Lsn::ZERO;
        for unit in &self.units {
            let before = holds;
            for (db, step) in &unit.steps {
                model.apply(*db, step);
            }
            holds = model.value_print(sight.db, &sight.key);
            if holds != before {
                if before == sight.value && unit.last > sight.not_before {
                    return Some(since);
                }
                since = unit.last;
            }
        }
        (holds == sight.value).then_some(since)
    }

    fn push(&mut self, unit: Unit) {
        for (db, step) in &unit.steps {
            self.newest.apply(*db, step);
        }
        self.points.push((unit.last, self.newest.digest()));
        self.units.push(unit);
    }
}

/// What must have outlived a crash, by the place in the trace where it comes.
#[derive(Clone, Debug, Default)]
pub struct Floor(Vec<(usize, Lsn)>);

impl Floor {
    /// From the place `position` on, everything up to `lsn` must be there.
    pub fn raise(&mut self, position: usize, lsn: Lsn) {
        self.0.push((position, lsn));
    }

    /// What must be there after a crash that comes after `position` calls.
    #[must_use]
    pub fn at(&self, position: usize) -> Lsn {
        let raised = self.0.iter().filter(|(from, _)| *from <= position);
        raised.map(|(_, lsn)| *lsn).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(last: u64, value: &[u8]) -> Unit {
        Unit {
            last: Lsn(last),
            steps: vec![(Db::FIRST, Step::Set(b"k".to_vec(), value.to_vec(), None))],
        }
    }

    #[test]
    fn a_history_is_in_the_order_of_its_log_and_has_no_gap() {
        let mut history = History::default();
        assert_eq!(history.extend(vec![set(2, b"b"), set(1, b"a")]), Ok(()));
        assert_eq!(history.last(), Lsn(2));
        assert_eq!(
            history.digest_at(Lsn(1)),
            Some(history.model_at(Lsn(1)).digest())
        );
        assert_ne!(history.digest_at(Lsn(1)), history.digest_at(Lsn(2)));
        assert!(history.extend(vec![set(4, b"d")]).is_err());
        assert!(history.extend(vec![set(2, b"d")]).is_err());
    }

    #[test]
    fn what_was_seen_is_as_old_as_it_can_be_and_no_older_than_was_known() {
        let mut history = History::default();
        let units = vec![set(1, b"a"), set(2, b"b"), set(3, b"a")];
        assert_eq!(history.extend(units), Ok(()));
        let sight = |not_before, value: &[u8]| {
            history.oldest_of(&Sight {
                db: Db::FIRST,
                key: b"k".to_vec(),
                value: Some(crate::testing::disk::fingerprint(value)),
                not_before: Lsn(not_before),
            })
        };
        assert_eq!(sight(0, b"a"), Some(Lsn(1)));
        assert_eq!(sight(1, b"a"), Some(Lsn(1)));
        assert_eq!(sight(2, b"a"), Some(Lsn(3)));
        assert_eq!(sight(0, b"b"), Some(Lsn(2)));
        assert_eq!(sight(3, b"b"), None);
        assert_eq!(sight(0, b"c"), None);
    }
}
