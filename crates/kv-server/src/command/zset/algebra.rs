//! What several sorted sets have in common, together, or one without the others. A set counts as a sorted set whose
//! members all have the score 1.
//!
//! Invariant: members are never copied, only borrowed; a large sorted set is shared, not copied, too.
//! Invariant: no score that comes of it is NaN: where a product or a sum is none, it is 0.

use std::collections::{HashMap, HashSet};

use foldhash::quality::RandomState;
use kv_core::{Set, ValueRef, View, ZSet};

use crate::command::error::CommandError;

/// How sorted sets are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// What is in all of them.
    Intersection,
    /// What is in any of them.
    Union,
    /// What is in the first and in no other.
    Difference,
}

/// Which score a member gets that several sorted sets have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn join(self, first: f64, second: f64) -> f64 {
        match self {
            Self::Sum => number_or_zero(first + second),
            Self::Min if second < first => second,
            Self::Max if second > first => second,
            Self::Min | Self::Max => first,
        }
    }
}

fn number_or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// One of those that are combined.
pub(super) struct Source {
    content: Content,
    /// What its scores are multiplied with.
    pub(super) weight: f64,
}

enum Content {
    Set(Set),
    ZSet(ZSet),
}

impl Source {
    /// What is at `key`; a missing key is an empty sorted set.
    ///
    /// # Errors
    ///
    /// The key holds neither a set nor a sorted set.
    pub(super) fn read(view: &mut View<'_>, key: &[u8]) -> Result<Self, CommandError> {
        let content = match view.value(key) {
            None => Content::ZSet(ZSet::default()),
            Some(ValueRef::Set(set)) => Content::Set(set.clone()),
            Some(ValueRef::ZSet(zset)) => Content::ZSet(zset.clone()),
            Some(_) => return Err(CommandError::WRONG_TYPE),
        };
        Ok(Self {
            content,
            weight: 1.0,
        })
    }

    fn len(&self) -> usize {
        match &self.content {
            Content::Set(set) => set.len(),
            Content::ZSet(zset) => zset.len(),
        }
    }

    /// The score of `member` here, times the weight.
    fn score(&self, member: &[u8]) -> Option<f64> {
        let score = match &self.content {
            Content::Set(set) => set.contains(member).then_some(1.0),
            Content::ZSet(zset) => zset.score(member),
        };
        score.map(|score| score * self.weight)
    }

    fn members(&self) -> Box<dyn Iterator<Item = (f64, &[u8])> + '_> {
        let weighted = |score| number_or_zero(score * self.weight);
        match &self.content {
            Content::Set(set) => Box::new(set.iter().map(move |member| (weighted(1.0), member))),
            Content::ZSet(zset) => Box::new(
                zset.iter()
                    .map(move |(member, score)| (weighted(score), member)),
            ),
        }
    }
}

/// The members of what `operation` makes of `sources`, by score.
pub(super) fn combine(
    operation: Operation,
    aggregate: Aggregate,
    sources: &[Source],
) -> Vec<(f64, &[u8])> {
    let mut members: Vec<(f64, &[u8])> = match operation {
        Operation::Intersection => intersection(aggregate, sources).collect(),
        Operation::Union => union(aggregate, sources),
        Operation::Difference => difference(sources),
    };
    members.sort_unstable_by(|(score, member), (other_score, other)| {
        let by_score = score.partial_cmp(other_score);
        by_score
            .unwrap_or(std::cmp::Ordering::Equal)
            .then_with(|| member.cmp(other))
    });
    members
}

/// The smallest first: sums depend on the order in which scores are added, and this is Redis' one.
fn by_size(sources: &[Source]) -> Vec<&Source> {
    let mut sources: Vec<&Source> = sources.iter().collect();
    sources.sort_by_key(|source| source.len());
    sources
}

/// What is in all sources: the members of the smallest that are in all others.
pub(super) fn intersection(
    aggregate: Aggregate,
    sources: &[Source],
) -> impl Iterator<Item = (f64, &[u8])> {
    let sources = by_size(sources);
    let smallest = sources.first().copied();
    let members = smallest.into_iter().flat_map(Source::members);
    members.filter_map(move |(score, member)| {
        let mut others = sources.iter().skip(1);
        let score = others.try_fold(score, |score, source| {
            Some(aggregate.join(score, source.score(member)?))
        });
        Some((score?, member))
    })
}

fn union(aggregate: Aggregate, sources: &[Source]) -> Vec<(f64, &[u8])> {
    if let [only] = sources {
        return only.members().collect();
    }
    let mut scores: HashMap<&[u8], f64, RandomState> = HashMap::default();
    for (score, member) in by_size(sources).into_iter().flat_map(Source::members) {
        let joined = scores.get(member);
        let joined = joined.map_or(score, |before| aggregate.join(*before, score));
        scores.insert(member, joined);
    }
    scores
        .into_iter()
        .map(|(member, score)| (score, member))
        .collect()
}

/// What is in the first source only: asks each other one for each member, or gathers what is in the others if
/// that is less work.
fn difference(sources: &[Source]) -> Vec<(f64, &[u8])> {
    let Some((first, others)) = sources.split_first() else {
        return Vec::new();
    };
    let gathered: usize = others.iter().map(Source::len).sum();
    if gathered < first.len().saturating_mul(others.len()) {
        let all = others.iter().flat_map(Source::members);
        let seen: HashSet<&[u8], RandomState> = all.map(|(_, member)| member).collect();
        first
            .members()
            .filter(|(_, member)| !seen.contains(member))
            .collect()
    } else {
        let is_left = |member: &[u8]| others.iter().all(|source| source.score(member).is_none());
        first
            .members()
            .filter(|(_, member)| is_left(member))
            .collect()
    }
}
