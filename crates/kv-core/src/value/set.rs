//! Sets: members, each once.

use std::sync::Arc;

use super::dict::{Dict, Named, hash_of};
use super::packed::{Either, Packed};
use super::sorted::Element;
use super::string::is_canonical_int;
use super::value_limits::ValueLimits;

/// A set as it lies in a store: members in no promised order.
///
/// A clone of a large one shares its members; a change copies some hundred places around it.
///
/// Invariant: a real set does not become packed again, nor a packed one of any members one of integers.
#[derive(Clone, Debug)]
pub struct Set(Form);

#[derive(Clone, Debug)]
enum Form {
    /// All members are canonical decimal forms of integers.
    Integers(Packed),
    Packed(Packed),
    Real(Box<Dict<Member>>),
}

#[derive(Clone, Debug)]
struct Member {
    hash: u64,
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

/// Bytes of heap of shared bytes: their counts are beside them.
pub(super) fn shared_bytes(bytes: &Arc<[u8]>) -> usize {
    (16 + bytes.len()).next_multiple_of(8)
}

impl Default for Set {
    fn default() -> Self {
        Self(Form::Integers(Packed::default()))
    }
}

impl Set {
    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Integers(packed) | Form::Packed(packed) => packed.len(),
            Form::Real(dict) => dict.len(),
        }
    }

    /// Whether there is no member. A store keeps no empty set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `member` is there.
    #[must_use]
    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.0 {
            Form::Integers(packed) | Form::Packed(packed) => {
                packed.iter().any(|other| other == member)
            }
            Form::Real(dict) => dict.get(member).is_some(),
        }
    }

    /// The member with this number, for a choice by chance. A change may give members other numbers.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<&[u8]> {
        match &self.0 {
            Form::Integers(packed) | Form::Packed(packed) => packed.get(index),
            Form::Real(dict) => dict.at(index).map(Named::name),
        }
    }

    /// All members.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        self.iter_from(0)
    }

    /// As [`Set::iter`], without the first `index`.
    #[must_use]
    pub fn iter_from(&self, index: usize) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        match &self.0 {
            Form::Integers(packed) | Form::Packed(packed) => {
                Either::Packed(packed.iter_from(index))
            }
            Form::Real(dict) => Either::Real(dict.iter_from(index).map(Named::name)),
        }
    }

    /// Shows about `count` members from `cursor` on and returns where to go on; 0 begins and, as an answer, ends.
    /// A member that is there from the first call to the last is shown, whatever others come and go. A packed
    /// set is shown whole.
    pub fn scan<'s>(&'s self, cursor: u64, count: usize, mut show: impl FnMut(&'s [u8])) -> u64 {
        match &self.0 {
            Form::Integers(packed) | Form::Packed(packed) => {
                packed.iter().for_each(show);
                0
            }
            Form::Real(dict) => dict.scan(cursor, count, &mut |member| show(member.name())),
        }
    }

    /// The name that `OBJECT ENCODING` has for its form.
    #[must_use]
    pub const fn encoding(&self) -> &'static str {
        match &self.0 {
            Form::Integers(_) => "intset",
            Form::Packed(_) => "listpack",
            Form::Real(_) => "hashtable",
        }
    }

    pub(super) fn is_packed(&self) -> bool {
        !matches!(self.0, Form::Real(_))
    }

    /// Bytes of heap, known without a walk.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Form::Integers(packed) | Form::Packed(packed) => packed.heap_bytes(),
            Form::Real(dict) => size_of::<Dict<Member>>() + dict.heap_bytes(),
        }
    }

    /// Adds `member`, unless it is there.
    pub(crate) fn add(&mut self, member: &[u8], limits: &ValueLimits) {
        let integers = match &mut self.0 {
            Form::Real(dict) => return add_to(dict, member),
            Form::Integers(packed) | Form::Packed(packed)
                if packed.iter().any(|other| other == member) =>
            {
                return;
            }
            Form::Integers(packed) => {
                let integers = is_canonical_int(member) && limits.packs_integers(packed.len() + 1);
                if !integers {
                    self.0 = Form::Packed(std::mem::take(packed));
                }
                integers
            }
            Form::Packed(_) => false,
        };
        let (Form::Integers(packed) | Form::Packed(packed)) = &mut self.0 else {
            return;
        };
        if integers || limits.packs_set(packed.len() + 1, member.len()) {
            packed.insert(packed.len(), [member]);
            return;
        }
        let mut dict = Dict::default();
        packed.iter().for_each(|member| add_to(&mut dict, member));
        add_to(&mut dict, member);
        self.0 = Form::Real(Box::new(dict));
    }

    /// Removes `member`, if it is there.
    pub(crate) fn remove(&mut self, member: &[u8]) {
        match &mut self.0 {
            Form::Integers(packed) | Form::Packed(packed) => {
                if let Some(index) = packed.iter().position(|other| other == member) {
                    packed.remove(index, 1);
                }
            }
            Form::Real(dict) => drop(dict.remove(member)),
        }
    }
}

fn add_to(dict: &mut Dict<Member>, bytes: &[u8]) {
    let hash = hash_of(bytes);
    dict.insert_new(hash, bytes, || Member {
        hash,
        bytes: bytes.into(),
    });
}
