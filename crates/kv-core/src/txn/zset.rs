//! How a transaction changes sorted sets.
//!
//! Invariant: a call that changes nothing records nothing.

use smallvec::SmallVec;

use super::Txn;
use super::collections::{PIECE_ELEMENTS, Slices};
use crate::{CollectionKind, Effect, Elements, StoreError};

/// What became of members that were given scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZSetAdded {
    /// How many are new.
    pub added: usize,
    /// How many were there with another score.
    pub changed: usize,
}

/// Scores as effects carry them.
type Scores = SmallVec<[[u8; 8]; 8]>;

impl Txn<'_> {
    /// Gives members of the sorted set at `key` scores; it is made if it is missing. Of a member that is given
    /// more than once the last score counts.
    ///
    /// # Errors
    ///
    /// [`StoreError::WrongKind`]; nothing was changed then.
    ///
    /// # Panics
    ///
    /// When a score is NaN.
    pub fn zset_add(
        &mut self,
        key: &[u8],
        members: &[(f64, &[u8])],
    ) -> Result<ZSetAdded, StoreError> {
        let zset = self.zset(key)?;
        let before = zset.map_or(0, |zset| zset.len());
        let mut changed = 0;
        let mut new: SmallVec<[(f64, &[u8]); 8]> = SmallVec::new();
        for &(score, member) in members {
            let old = zset.and_then(|zset| zset.score(member));
            let differs = old.is_none_or(|old| old.to_bits() != score.to_bits());
            changed += usize::from(differs && old.is_some_and(|old| old != score));
            // Behind another change the same member may come again with its old score.
            if differs || !new.is_empty() {
                new.push((score, member));
            }
        }
        if new.is_empty() {
            return Ok(ZSetAdded::default());
        }
        self.apply_scored(key, None, &new);
        let after = self.zset(key)?.map_or(0, |zset| zset.len());
        Ok(ZSetAdded {
            added: after - before,
            changed,
        })
    }

    /// Removes members of the sorted set at `key`. Returns how many were there.
    ///
    /// # Errors
    ///
    /// As [`Txn::zset_add`].
    pub fn zset_remove(&mut self, key: &[u8], members: &[&[u8]]) -> Result<usize, StoreError> {
        let Some(zset) = self.zset(key)? else {
            return Ok(0);
        };
        let before = zset.len();
        let there = members.iter().copied();
        let there: Slices<'_> = there.filter(|member| zset.contains(member)).collect();
        if there.is_empty() {
            return Ok(0);
        }
        self.apply(&Effect::ZSetRemove {
            db: self.view.at.db,
            key,
            members: Elements::new(&there),
        });
        let after = self.zset(key)?.map_or(0, |zset| zset.len());
        Ok(before - after)
    }

    /// Puts a sorted set at `key`, whatever was there, without an expiry; without members the key is deleted.
    /// Of a member that is given more than once the last score counts. A clone of a [`ZSet`](crate::ZSet) that
    /// the transaction looked at costs nothing and may be what the members come from.
    ///
    /// # Panics
    ///
    /// When a score is NaN.
    pub fn set_zset<M: AsRef<[u8]>>(
        &mut self,
        key: &[u8],
        members: impl IntoIterator<Item = (f64, M)>,
    ) {
        let mut members = members.into_iter();
        let mut first = Some(CollectionKind::ZSet);
        loop {
            let piece: Vec<(f64, M)> = members.by_ref().take(PIECE_ELEMENTS).collect();
            let slices = piece
                .iter()
                .map(|(score, member)| (*score, member.as_ref()));
            let slices: Vec<(f64, &[u8])> = slices.collect();
            if slices.is_empty() && first.is_some() {
                self.delete(key);
            } else if !slices.is_empty() {
                self.apply_scored(key, first.take(), &slices);
            }
            if slices.len() < PIECE_ELEMENTS {
                return;
            }
        }
    }

    /// Adds members to what is there, or (`whole`) puts them in its place.
    fn apply_scored(
        &mut self,
        key: &[u8],
        whole: Option<CollectionKind>,
        members: &[(f64, &[u8])],
    ) {
        let scores: Scores = members
            .iter()
            .map(|(score, _)| score.to_le_bytes())
            .collect();
        let pairs = scores.iter().zip(members);
        let pairs: Slices<'_> = pairs
            .flat_map(|(score, (_, member))| [score.as_slice(), member])
            .collect();
        let (db, members) = (self.view.at.db, Elements::new(&pairs));
        assert!(members.are_scored(), "a score that is no number");
        self.apply(&match whole {
            None => Effect::ZSetAdd { db, key, members },
            Some(kind) => Effect::SetCollection {
                db,
                key,
                kind,
                elements: members,
                expires: None,
            },
        });
    }
}
