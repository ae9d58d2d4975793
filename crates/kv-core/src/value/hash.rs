//! Hashes: fields, each with a value.

use std::sync::Arc;

use foldhash::quality::RandomState;
use indexmap::IndexMap;

use super::packed::{ELEMENTS_MAX, Either, Packed, PackedIter, fits};

/// A hash as it lies in a store: fields and their values, in no promised order.
///
/// A clone of a large one shares its fields, until either is changed: the first change copies them all.
///
/// Invariant: a real hash does not become packed again.
#[derive(Clone, Debug)]
pub struct Hash(Form);

#[derive(Clone, Debug)]
enum Form {
    /// Field, value, field, value.
    Packed(Packed),
    Map(Arc<Map>),
}

#[derive(Clone, Debug, Default)]
struct Map {
    fields: IndexMap<Box<[u8]>, Box<[u8]>, RandomState>,
    /// Bytes of all fields and values.
    bytes: usize,
}

impl Default for Hash {
    fn default() -> Self {
        Self(Form::Packed(Packed::default()))
    }
}

impl Hash {
    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.len() / 2,
            Form::Map(map) => map.fields.len(),
        }
    }

    /// Whether there is no field. A store keeps no empty hash.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of `field`.
    #[must_use]
    pub fn get(&self, field: &[u8]) -> Option<&[u8]> {
        match &self.0 {
            Form::Packed(packed) => packed.get(position(packed, field)? * 2 + 1),
            Form::Map(map) => map.fields.get(field).map(|value| &**value),
        }
    }

    /// Whether `field` is there.
    #[must_use]
    pub fn contains(&self, field: &[u8]) -> bool {
        self.get(field).is_some()
    }

    /// The field with this number and its value. A change may give fields other numbers.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<(&[u8], &[u8])> {
        self.iter_from(index).next()
    }

    /// All fields and their values.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> + Clone {
        self.iter_from(0)
    }

    /// As [`Hash::iter`], without the first `index`.
    #[must_use]
    pub fn iter_from(&self, index: usize) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> + Clone {
        match &self.0 {
            Form::Packed(packed) => Either::Packed(Pairs(packed.iter()).skip(index)),
            Form::Map(map) => {
                let fields = map.fields.as_slice();
                let rest = fields.get_range(index..).unwrap_or_default();
                Either::Real(rest.iter().map(|(field, value)| (&**field, &**value)))
            }
        }
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self.0, Form::Packed(_))
    }

    /// Bytes of heap, known without a walk.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        /// Of one place in the map: its hash, the key, the value; and an index and a tag in the table.
        const PLACE_BYTES: usize = 8 + 2 * size_of::<Box<[u8]>>() + 9;

        match &self.0 {
            Form::Packed(packed) => packed.heap_bytes(),
            Form::Map(map) => size_of::<Map>() + map.fields.capacity() * PLACE_BYTES + map.bytes,
        }
    }

    /// Gives `field` this value.
    pub(crate) fn set(&mut self, field: &[u8], value: &[u8]) {
        let full = self.len() >= ELEMENTS_MAX && !self.contains(field);
        if full || !fits(field) || !fits(value) {
            self.unpack();
        }
        match &mut self.0 {
            Form::Packed(packed) => match position(packed, field) {
                Some(index) => packed.replace(index * 2 + 1, value),
                None => {
                    packed.insert(packed.len(), field);
                    packed.insert(packed.len(), value);
                }
            },
            Form::Map(map) => Arc::make_mut(map).set(field, value),
        }
    }

    /// Removes `field`, if it is there.
    pub(crate) fn remove(&mut self, field: &[u8]) {
        match &mut self.0 {
            Form::Packed(packed) => {
                if let Some(index) = position(packed, field) {
                    packed.remove(index * 2, 2);
                }
            }
            Form::Map(map) => {
                let map = Arc::make_mut(map);
                if let Some(value) = map.fields.swap_remove(field) {
                    map.bytes -= field.len() + value.len();
                }
            }
        }
    }

    fn unpack(&mut self) {
        if let Form::Packed(packed) = &self.0 {
            let mut map = Map::default();
            Pairs(packed.iter()).for_each(|(field, value)| map.set(field, value));
            self.0 = Form::Map(Arc::new(map));
        }
    }
}

impl Map {
    fn set(&mut self, field: &[u8], value: &[u8]) {
        self.bytes += value.len();
        if let Some(there) = self.fields.get_mut(field) {
            self.bytes -= there.len();
            *there = value.into();
        } else {
            self.bytes += field.len();
            self.fields.insert(field.into(), value.into());
        }
    }
}

/// The number of `field` among the fields.
fn position(packed: &Packed, field: &[u8]) -> Option<usize> {
    Pairs(packed.iter()).position(|(other, _)| other == field)
}

/// Elements two by two.
#[derive(Clone, Debug)]
struct Pairs<'a>(PackedIter<'a>);

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, self.0.next()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let pairs = self.0.len() / 2;
        (pairs, Some(pairs))
    }
}

impl ExactSizeIterator for Pairs<'_> {}
