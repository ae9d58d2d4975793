//! Sets: members, each once.

use std::sync::Arc;

use foldhash::quality::RandomState;
use indexmap::IndexSet;

use super::packed::{ELEMENTS_MAX, Either, Packed, fits};

/// A set as it lies in a store: members in no promised order.
///
/// A clone of a large one shares its members, until either is changed: the first change copies them all.
///
/// Invariant: a real set does not become packed again.
#[derive(Clone, Debug)]
pub struct Set(Form);

#[derive(Clone, Debug)]
enum Form {
    Packed(Packed),
    Table(Arc<Members>),
}

#[derive(Clone, Debug, Default)]
struct Members {
    members: IndexSet<Box<[u8]>, RandomState>,
    /// Bytes of all members.
    bytes: usize,
}

impl Default for Set {
    fn default() -> Self {
        Self(Form::Packed(Packed::default()))
    }
}

impl Set {
    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.len(),
            Form::Table(table) => table.members.len(),
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
            Form::Packed(packed) => packed.iter().any(|other| other == member),
            Form::Table(table) => table.members.contains(member),
        }
    }

    /// The member with this number. A change may give members other numbers.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<&[u8]> {
        match &self.0 {
            Form::Packed(packed) => packed.get(index),
            Form::Table(table) => table.members.get_index(index).map(|member| &**member),
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
            Form::Packed(packed) => Either::Packed(packed.iter().skip(index)),
            Form::Table(table) => {
                let rest = table.members.as_slice().get_range(index..);
                let rest = rest.unwrap_or_default();
                Either::Real(rest.iter().map(|member| &**member))
            }
        }
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self.0, Form::Packed(_))
    }

    /// Bytes of heap, known without a walk.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        /// Of one place in the table: its hash and the member; and an index and a tag.
        const PLACE_BYTES: usize = 8 + size_of::<Box<[u8]>>() + 9;

        match &self.0 {
            Form::Packed(packed) => packed.heap_bytes(),
            Form::Table(table) => {
                size_of::<Members>() + table.members.capacity() * PLACE_BYTES + table.bytes
            }
        }
    }

    /// Adds `member`, unless it is there.
    pub(crate) fn add(&mut self, member: &[u8]) {
        let packed = self.is_packed();
        if packed && self.contains(member) {
            return;
        }
        if packed && (self.len() >= ELEMENTS_MAX || !fits(member)) {
            self.unpack();
        }
        match &mut self.0 {
            Form::Packed(packed) => packed.insert(packed.len(), member),
            Form::Table(table) => Arc::make_mut(table).add(member),
        }
    }

    /// Removes `member`, if it is there.
    pub(crate) fn remove(&mut self, member: &[u8]) {
        match &mut self.0 {
            Form::Packed(packed) => {
                if let Some(index) = packed.iter().position(|other| other == member) {
                    packed.remove(index, 1);
                }
            }
            Form::Table(table) => {
                let table = Arc::make_mut(table);
                if table.members.swap_remove(member) {
                    table.bytes -= member.len();
                }
            }
        }
    }

    fn unpack(&mut self) {
        if let Form::Packed(packed) = &self.0 {
            let mut table = Members::default();
            packed.iter().for_each(|member| table.add(member));
            self.0 = Form::Table(Arc::new(table));
        }
    }
}

impl Members {
    fn add(&mut self, member: &[u8]) {
        if self.members.insert(member.into()) {
            self.bytes += member.len();
        }
    }
}
