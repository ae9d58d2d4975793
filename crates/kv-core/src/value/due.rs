//! The fields of a hash that expire, by the time when they do.

use std::cmp::Ordering;

use super::dict::Named;
use super::field::Field;
use super::sorted::{Element, SortedTree};
use crate::UnixMillis;

/// A field and when it expires; shares the field's bytes.
#[derive(Clone, Debug)]
struct Due {
    expires: UnixMillis,
    field: Field,
}

impl Element for Due {
    type Key = Self;

    fn key(&self) -> &Self {
        self
    }

    /// The field's bytes count where the field is.
    fn heap_bytes(&self) -> usize {
        0
    }
}

/// Fields by time.
///
/// Invariant: no field is here twice.
#[derive(Clone, Debug, Default)]
pub(super) struct DueTree(SortedTree<Due>);

impl DueTree {
    pub(super) fn heap_bytes(&self) -> usize {
        if self.0.len() == 0 {
            return 0;
        }
        self.0.heap_bytes()
    }

    /// The first time at which a field expires.
    pub(super) fn first(&self) -> Option<UnixMillis> {
        self.0.get(0).map(|due| due.expires)
    }

    /// How many fields have expired by `now`.
    pub(super) fn len_by(&self, now: UnixMillis) -> usize {
        if self.first().is_none_or(|first| first > now) {
            return 0;
        }
        self.0.lower_bound(|due| due.expires <= now).index
    }

    /// Fields with their times, the first to expire first.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (UnixMillis, &[u8])> {
        let all = self.0.range(0..self.0.len());
        all.map(|due| (due.expires, due.field.name()))
    }

    /// Notes a field, if it has an expiry.
    pub(super) fn insert(&mut self, field: &Field) {
        let Some(expires) = field.expires() else {
            return;
        };
        let index = self.index(expires, field.name());
        let field = field.clone();
        self.0.edit(index, |run, offset| {
            run.insert(offset, Due { expires, field })
        });
    }

    /// Forgets a field, if it has an expiry.
    pub(super) fn remove(&mut self, field: &Field) {
        let Some(expires) = field.expires() else {
            return;
        };
        let index = self.index(expires, field.name());
        self.0.edit(index, |run, offset| run.remove(offset));
    }

    /// The number of the first field that does not stand before this one.
    fn index(&self, expires: UnixMillis, field: &[u8]) -> usize {
        let before = |due: &Due| match due.expires.cmp(&expires) {
            Ordering::Equal => due.field.name() < field,
            order => order == Ordering::Less,
        };
        self.0.lower_bound(before).index
    }
}
