//! Sorted sets: members, each once, in the order of their scores.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use super::dict::{Dict, Named, hash_of};
use super::packed::{Packed, PackedPairs};
use super::set::shared_bytes;
use super::sorted::{Element, Elements, SortedTree};
use super::value_limits::ValueLimits;

/// A sorted set as it lies in a store: members by ascending score, those of equal score by their bytes.
///
/// Ranks count from 0. A clone of a large one shares its members; a change copies some hundred places around it.
///
/// Invariant: no score is NaN. A real sorted set does not become packed again.
#[derive(Clone, Debug)]
pub struct ZSet(Form);

#[derive(Clone, Debug)]
enum Form {
    /// Member, score (8 bytes, the lowest first), in order.
    Packed(Packed),
    Real(Box<Ranking>),
}

/// Invariant: `dict` and `order` hold the same members with the same scores.
#[derive(Clone, Debug, Default)]
struct Ranking {
    dict: Dict<Member>,
    order: SortedTree<Ranked>,
}

#[derive(Clone, Debug)]
struct Member {
    hash: u64,
    score: f64,
    bytes: Arc<[u8]>,
}

impl Element for Member {
    type Key = u64;

    fn key(&self) -> &u64 {
        &self.hash
    }

    fn heap_bytes(&self) -> usize {
        shared_bytes(&self.bytes)
    }
}

impl Named for Member {
    fn name(&self) -> &[u8] {
        &self.bytes
    }
}

/// A member in its order; shares the bytes of the one in the dictionary.
#[derive(Clone, Debug)]
struct Ranked {
    score: f64,
    bytes: Arc<[u8]>,
}

impl Element for Ranked {
    type Key = Self;

    fn key(&self) -> &Self {
        self
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

/// The order of members.
fn compare(first: (&[u8], f64), second: (&[u8], f64)) -> Ordering {
    let by_score = first.1.partial_cmp(&second.1);
    by_score
        .unwrap_or(Ordering::Equal)
        .then_with(|| first.0.cmp(second.0))
}

impl Default for ZSet {
    fn default() -> Self {
        Self(Form::Packed(Packed::default()))
    }
}

impl ZSet {
    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.len() / 2,
            Form::Real(ranking) => ranking.dict.len(),
        }
    }

    /// Whether there is no member. A store keeps no empty sorted set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The score of `member`.
    #[must_use]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.0 {
            Form::Packed(packed) => {
                let found = pairs(packed).find(|(other, _)| *other == member);
                found.map(|(_, score)| score)
            }
            Form::Real(ranking) => ranking.dict.get(member).map(|found| found.score),
        }
    }

    /// Whether `member` is there.
    #[must_use]
    pub fn contains(&self, member: &[u8]) -> bool {
        self.score(member).is_some()
    }

    /// How many members stand before `member`.
    #[must_use]
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        match &self.0 {
            Form::Packed(packed) => packed_rank(packed, member),
            Form::Real(ranking) => {
                let score = ranking.dict.get(member)?.score;
                Some(ranking.rank(member, score))
            }
        }
    }

    /// The member with this rank, and its score.
    #[must_use]
    pub fn at(&self, rank: usize) -> Option<(&[u8], f64)> {
        self.range(rank..rank.saturating_add(1)).next()
    }

    /// How many members stand `before` a point of the order: `before` must hold for some first members and
    /// for no later one. With it, ranges of scores and of members become ranges of ranks:
    ///
    /// - the first rank of a score not below 5: `before = |_, score| score < 5.0`; above 5: `score <= 5.0`;
    /// - among equal scores, the first rank of a member not below `m`: `before = |member, _| member < m`.
    #[must_use]
    pub fn partition_point(&self, before: impl Fn(&[u8], f64) -> bool) -> usize {
        match &self.0 {
            Form::Packed(packed) => {
                let passed = pairs(packed).take_while(|(member, score)| before(member, *score));
                passed.count()
            }
            Form::Real(ranking) => {
                let order = &ranking.order;
                order
                    .lower_bound(|ranked| before(&ranked.bytes, ranked.score))
                    .index
            }
        }
    }

    /// All members and their scores, by rank; `rev()` is the other direction.
    #[must_use]
    pub fn iter(&self) -> ZSetIter<'_> {
        self.range(0..self.len())
    }

    /// The members of a range of ranks, as far as there are any, and their scores.
    #[must_use]
    pub fn range(&self, ranks: Range<usize>) -> ZSetIter<'_> {
        let end = ranks.end.min(self.len());
        let ranks = ranks.start.min(end)..end;
        ZSetIter(match &self.0 {
            Form::Packed(packed) => Iter::Packed {
                packed,
                next: PackedPairs(packed.iter_from(ranks.start * 2)),
                ranks,
            },
            Form::Real(ranking) => Iter::Real(ranking.order.range(ranks)),
        })
    }

    /// Shows about `count` members and their scores from `cursor` on and returns where to go on; 0 begins and, as
    /// an answer, ends. A member that is there from the first call to the last is shown, whatever others come
    /// and go, whatever their scores. A packed sorted set is shown whole.
    pub fn scan<'z>(
        &'z self,
        cursor: u64,
        count: usize,
        mut show: impl FnMut(&'z [u8], f64),
    ) -> u64 {
        match &self.0 {
            Form::Packed(packed) => {
                pairs(packed).for_each(|(member, score)| show(member, score));
                0
            }
            Form::Real(ranking) => ranking.dict.scan(cursor, count, &mut |member| {
                show(&member.bytes, member.score);
            }),
        }
    }

    /// The name that `OBJECT ENCODING` has for its form.
    #[must_use]
    pub const fn encoding(&self) -> &'static str {
        match &self.0 {
            Form::Packed(_) => "listpack",
            Form::Real(_) => "skiplist",
        }
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self.0, Form::Packed(_))
    }

    /// Bytes of heap, known without a walk.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.heap_bytes(),
            Form::Real(ranking) => {
                size_of::<Ranking>() + ranking.dict.heap_bytes() + ranking.order.heap_bytes()
            }
        }
    }

    /// Gives `member` this score; it is added if it is not there.
    ///
    /// # Panics
    ///
    /// When the score is NaN.
    pub(crate) fn set(&mut self, member: &[u8], score: f64, limits: &ValueLimits) {
        assert!(!score.is_nan(), "a score that is no number");
        if let Form::Packed(packed) = &mut self.0 {
            if let Some(rank) = packed_rank(packed, member) {
                packed.remove(rank * 2, 2);
            }
            if limits.packs_zset(packed.len() / 2 + 1, member.len()) {
                let rank = pairs(packed)
                    .take_while(|other| compare(*other, (member, score)) == Ordering::Less)
                    .count();
                packed.insert(rank * 2, [member, &score.to_le_bytes()]);
                return;
            }
            let mut ranking = Ranking::default();
            pairs(packed).for_each(|(member, score)| ranking.set(member, score));
            self.0 = Form::Real(Box::new(ranking));
        }
        if let Form::Real(ranking) = &mut self.0 {
            ranking.set(member, score);
        }
    }

    /// Removes `member`, if it is there.
    pub(crate) fn remove(&mut self, member: &[u8]) {
        match &mut self.0 {
            Form::Packed(packed) => {
                if let Some(rank) = packed_rank(packed, member) {
                    packed.remove(rank * 2, 2);
                }
            }
            Form::Real(ranking) => {
                if let Some(removed) = ranking.dict.remove(member) {
                    let rank = ranking.rank(member, removed.score);
                    ranking.order.edit(rank, |run, offset| run.remove(offset));
                }
            }
        }
    }
}

impl Ranking {
    fn rank(&self, member: &[u8], score: f64) -> usize {
        let before =
            |ranked: &Ranked| compare((&ranked.bytes, ranked.score), (member, score)).is_lt();
        self.order.lower_bound(before).index
    }

    fn set(&mut self, member: &[u8], score: f64) {
        let (mut bytes, mut old) = (None, None);
        self.dict.change(member, |found| {
            bytes = Some(Arc::clone(&found.bytes));
            old = Some(std::mem::replace(&mut found.score, score));
        });
        if let Some(old) = old {
            let rank = self.rank(member, old);
            self.order.edit(rank, |run, offset| run.remove(offset));
        }
        let bytes = bytes.unwrap_or_else(|| {
            let bytes: Arc<[u8]> = member.into();
            let hash = hash_of(member);
            self.dict.insert_new(hash, member, || Member {
                hash,
                score,
                bytes: Arc::clone(&bytes),
            });
            bytes
        });
        let rank = self.rank(member, score);
        self.order.edit(rank, |run, offset| {
            run.insert(offset, Ranked { score, bytes })
        });
    }
}

fn packed_rank(packed: &Packed, member: &[u8]) -> Option<usize> {
    pairs(packed).position(|(other, _)| other == member)
}

fn pairs(packed: &Packed) -> impl Iterator<Item = (&[u8], f64)> {
    PackedPairs(packed.iter()).map(|(member, score)| (member, score_of(score)))
}

/// The score that these 8 bytes hold.
pub(super) fn score_of(bytes: &[u8]) -> f64 {
    bytes.try_into().map_or(0.0, f64::from_le_bytes)
}

/// Members of a sorted set and their scores, from both ends.
#[derive(Clone, Debug)]
pub struct ZSetIter<'a>(Iter<'a>);

#[derive(Clone, Debug)]
enum Iter<'a> {
    Packed {
        packed: &'a Packed,
        /// From the first of what is left on.
        next: PackedPairs<'a>,
        /// What is left.
        ranks: Range<usize>,
    },
    Real(Elements<'a, Ranked>),
}

impl<'a> Iterator for ZSetIter<'a> {
    type Item = (&'a [u8], f64);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Iter::Packed { next, ranks, .. } => {
                ranks.next()?;
                next.next().map(|(member, score)| (member, score_of(score)))
            }
            Iter::Real(elements) => elements.next().map(shown),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Iter::Packed { ranks, .. } => ranks.size_hint(),
            Iter::Real(elements) => elements.size_hint(),
        }
    }
}

impl DoubleEndedIterator for ZSetIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Iter::Packed { packed, ranks, .. } => {
                let mut from = PackedPairs(packed.iter_from(ranks.next_back()? * 2));
                from.next().map(|(member, score)| (member, score_of(score)))
            }
            Iter::Real(elements) => elements.next_back().map(shown),
        }
    }
}

impl ExactSizeIterator for ZSetIter<'_> {}

fn shown(ranked: &Ranked) -> (&[u8], f64) {
    (&ranked.bytes, ranked.score)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    type Model = BTreeMap<Vec<u8>, f64>;

    fn check(zset: &ZSet, model: &Model) {
        let mut sorted: Vec<(&[u8], f64)> = model
            .iter()
            .map(|(member, score)| (member.as_slice(), *score))
            .collect();
        sorted.sort_by(|first, second| compare(*first, *second));
        assert!(zset.iter().eq(sorted.iter().copied()));
        assert!(zset.iter().rev().eq(sorted.iter().rev().copied()));
        for (rank, (member, score)) in sorted.iter().enumerate().step_by(7) {
            assert_eq!(
                (zset.rank(member), zset.score(member)),
                (Some(rank), Some(*score))
            );
            assert_eq!(zset.at(rank), Some((*member, *score)));
            let below = sorted.iter().filter(|(_, other)| other < score).count();
            assert_eq!(zset.partition_point(|_, other| other < *score), below);
            let upto = sorted.iter().filter(|(_, other)| other <= score).count();
            assert_eq!(zset.partition_point(|_, other| other <= *score), upto);
            let some = sorted.iter().skip(rank).take(9).copied();
            assert!(zset.range(rank..rank + 9).eq(some));
        }
        let mut ends = zset.range(1..sorted.len());
        assert_eq!(ends.next(), sorted.get(1).copied());
        assert_eq!(
            ends.next_back(),
            sorted.get(2..).and_then(|rest| rest.last()).copied()
        );
        assert_eq!((zset.rank(b"none"), zset.score(b"none")), (None, None));
        assert_eq!(zset.len(), sorted.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 1 } else { 48 },
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn a_sorted_set_is_a_sorted_map_and_its_clones_stay(
            changes in vec((0u8..4, 0u16..900, 0u16..200, 0u16..40), 0..30),
        ) {
            let (mut zset, mut model) = (ZSet::default(), Model::new());
            let mut clones = Vec::new();
            for (kind, from, count, scores) in changes {
                for number in from..from + count {
                    let member = format!("m{number}").into_bytes();
                    if kind > 0 {
                        let score = f64::from(number % (scores + 1));
                        zset.set(&member, score, &ValueLimits::default());
                        model.insert(member, score);
                    } else {
                        zset.remove(&member);
                        model.remove(&member);
                    }
                }
                if scores == 0 {
                    clones.push((zset.clone(), model.clone()));
                }
            }
            check(&zset, &model);
            for (zset, model) in &clones {
                check(zset, model);
            }
        }
    }
}
