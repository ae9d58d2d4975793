//! Hashes: fields, each with a value and perhaps an expiry of its own.

use super::dict::{Dict, Named, hash_of};
use super::due::DueTree;
use super::field::Field;
use super::packed::{Either, Packed, PackedPairs};
use super::sorted::Elements;
use super::value_limits::ValueLimits;
use crate::UnixMillis;

/// A hash as it lies in a store: fields and their values, in no promised order, expired ones included.
///
/// Whoever looks at one does it through a [`HashRef`], which knows the time. A clone of a large one shares its
/// fields; a change copies some hundred places around it.
///
/// Invariant: a real hash does not become packed again; one with an expiry of a field is real.
#[derive(Clone, Debug)]
pub struct Hash(Form);

#[derive(Clone, Debug)]
enum Form {
    /// Field, value, field, value.
    Packed(Packed),
    Real(Box<Fields>),
}

/// Invariant: `due` holds exactly the fields that have an expiry.
#[derive(Clone, Debug, Default)]
struct Fields {
    dict: Dict<Field>,
    due: DueTree,
}

/// A look at a hash at some time: what has expired by then is not there.
#[derive(Clone, Copy, Debug)]
pub struct HashRef<'a> {
    hash: &'a Hash,
    now: UnixMillis,
}

/// Before all times: nothing has expired.
pub(crate) const BEFORE_ALL: UnixMillis = UnixMillis(i64::MIN);

impl<'a> HashRef<'a> {
    pub(crate) fn new(hash: &'a Hash, now: UnixMillis) -> Self {
        Self { hash, now }
    }

    /// The same hash as of another time.
    pub(crate) fn at_time(self, now: UnixMillis) -> Self {
        Self { now, ..self }
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hash.total_len() - self.hash.due_len(self.now)
    }

    /// Whether there is no field. A store shows no empty hash.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of `field`.
    #[must_use]
    pub fn get(&self, field: &[u8]) -> Option<&'a [u8]> {
        match &self.hash.0 {
            Form::Packed(packed) => packed.get(position(packed, field)? * 2 + 1),
            Form::Real(fields) => {
                let found = fields.dict.get(field)?;
                self.is_live(found).then(|| found.value())
            }
        }
    }

    /// Whether `field` is there.
    #[must_use]
    pub fn contains(&self, field: &[u8]) -> bool {
        self.get(field).is_some()
    }

    /// Whether and when `field` expires; the outer `None`: there is no such field.
    #[must_use]
    pub fn expiry(&self, field: &[u8]) -> Option<Option<UnixMillis>> {
        match &self.hash.0 {
            Form::Packed(packed) => position(packed, field).map(|_| None),
            Form::Real(fields) => {
                let found = fields.dict.get(field)?;
                self.is_live(found).then(|| found.expires())
            }
        }
    }

    /// The field with this number and its value, for a choice by chance. A change may give fields other numbers.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<(&'a [u8], &'a [u8])> {
        self.iter_from(index).next()
    }

    /// All fields and their values.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + Clone + use<'a> {
        self.iter_from(0)
    }

    /// As [`HashRef::iter`], without the first `index`.
    #[must_use]
    pub fn iter_from(
        &self,
        index: usize,
    ) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + Clone + use<'a> {
        match &self.hash.0 {
            Form::Packed(packed) => Either::Packed(PackedPairs(packed.iter_from(index * 2))),
            Form::Real(fields) => {
                // Where nothing has expired, passing over fields takes no look at them.
                let all = self.hash.due_len(self.now) == 0;
                let mut live = Live {
                    rest: fields.dict.iter_from(if all { index } else { 0 }),
                    left: if all {
                        self.len().saturating_sub(index)
                    } else {
                        self.len()
                    },
                    now: self.now,
                };
                if !all {
                    live.by_ref().take(index).for_each(drop);
                }
                Either::Real(live)
            }
        }
    }

    /// Fields that expire, with their times, the first to expire first; those that have expired included.
    pub(crate) fn expiring(&self) -> impl Iterator<Item = (UnixMillis, &'a [u8])> + use<'a> {
        let real = match &self.hash.0 {
            Form::Packed(_) => None,
            Form::Real(fields) => Some(fields.due.iter()),
        };
        real.into_iter().flatten()
    }

    /// The name that `OBJECT ENCODING` has for its form.
    #[must_use]
    pub const fn encoding(&self) -> &'static str {
        match &self.hash.0 {
            Form::Packed(_) => "listpack",
            Form::Real(_) => "hashtable",
        }
    }

    /// Bytes of heap, known without a walk.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.hash.heap_bytes()
    }

    /// The hash itself, to keep it.
    #[must_use]
    pub fn to_owned(&self) -> Hash {
        self.hash.clone()
    }

    /// Shows about `count` fields and their values from `cursor` on and returns where to go on; 0 begins and, as
    /// an answer, ends. A field that is there from the first call to the last is shown, whatever others come and
    /// go. A packed hash is shown whole.
    pub fn scan(&self, cursor: u64, count: usize, mut show: impl FnMut(&'a [u8], &'a [u8])) -> u64 {
        match &self.hash.0 {
            Form::Packed(packed) => {
                PackedPairs(packed.iter()).for_each(|(field, value)| show(field, value));
                0
            }
            Form::Real(fields) => fields.dict.scan(cursor, count, &mut |field| {
                if self.is_live(field) {
                    show(field.name(), field.value());
                }
            }),
        }
    }

    fn is_live(&self, field: &Field) -> bool {
        field.expires().is_none_or(|expires| expires > self.now)
    }
}

/// Fields that have not expired, and their values.
#[derive(Clone, Debug)]
struct Live<'a> {
    rest: Elements<'a, Field>,
    left: usize,
    now: UnixMillis,
}

impl<'a> Iterator for Live<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let is_live = |field: &&Field| field.expires().is_none_or(|expires| expires > self.now);
        let field = self.rest.find(is_live)?;
        self.left -= 1;
        Some((field.name(), field.value()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Live<'_> {}

impl Default for Hash {
    fn default() -> Self {
        Self(Form::Packed(Packed::default()))
    }
}

impl Hash {
    /// A look at all fields, whether they have expired or not.
    #[must_use]
    pub fn with_expired(&self) -> HashRef<'_> {
        HashRef::new(self, BEFORE_ALL)
    }

    /// How many fields there are, expired ones included.
    pub(crate) fn total_len(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.len() / 2,
            Form::Real(fields) => fields.dict.len(),
        }
    }

    /// How many fields have expired by `now`.
    pub(crate) fn due_len(&self, now: UnixMillis) -> usize {
        match &self.0 {
            Form::Packed(_) => 0,
            Form::Real(fields) => fields.due.len_by(now),
        }
    }

    /// The first time at which a field expires.
    pub(crate) fn first_due(&self) -> Option<UnixMillis> {
        match &self.0 {
            Form::Packed(_) => None,
            Form::Real(fields) => fields.due.first(),
        }
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self.0, Form::Packed(_))
    }

    /// Bytes of heap, known without a walk.
    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.heap_bytes(),
            Form::Real(fields) => {
                size_of::<Fields>() + fields.dict.heap_bytes() + fields.due.heap_bytes()
            }
        }
    }

    /// Gives `field` this value, and takes its expiry away.
    pub(crate) fn set(&mut self, field: &[u8], value: &[u8], limits: &ValueLimits) {
        if let Form::Packed(packed) = &mut self.0 {
            let there = position(packed, field);
            let fields = packed.len() / 2 + usize::from(there.is_none());
            if limits.packs_hash(fields, field.len().max(value.len())) {
                match there {
                    Some(index) => packed.replace(index * 2 + 1, value),
                    None => packed.insert(packed.len(), [field, value]),
                }
                return;
            }
        }
        self.unpack().set(field, value);
    }

    /// Removes `field`, if it is there.
    pub(crate) fn remove(&mut self, field: &[u8]) {
        match &mut self.0 {
            Form::Packed(packed) => {
                if let Some(index) = position(packed, field) {
                    packed.remove(index * 2, 2);
                }
            }
            Form::Real(fields) => {
                if let Some(removed) = fields.dict.remove(field) {
                    fields.due.remove(&removed);
                }
            }
        }
    }

    /// Changes when `field` expires, if it is there.
    pub(crate) fn expire(&mut self, field: &[u8], expires: Option<UnixMillis>) {
        let there = self.with_expired().expiry(field);
        if there.is_some_and(|old| old != expires) {
            self.unpack().expire(field, expires);
        }
    }

    /// The real form, which it takes now if it has not.
    fn unpack(&mut self) -> &mut Fields {
        if let Form::Packed(packed) = &self.0 {
            let mut fields = Fields::default();
            PackedPairs(packed.iter()).for_each(|(field, value)| fields.set(field, value));
            self.0 = Form::Real(Box::new(fields));
        }
        match &mut self.0 {
            Form::Real(fields) => fields,
            Form::Packed(_) => unreachable!("it was unpacked"),
        }
    }
}

impl Fields {
    fn set(&mut self, name: &[u8], value: &[u8]) {
        let hash = hash_of(name);
        if self
            .dict
            .insert_new(hash, name, || Field::new(hash, name, value, None))
        {
            return;
        }
        let due = &mut self.due;
        self.dict.change(name, |field| {
            due.remove(field);
            field.set_value(value);
        });
    }

    fn expire(&mut self, name: &[u8], expires: Option<UnixMillis>) {
        let due = &mut self.due;
        self.dict.change(name, |field| {
            due.remove(field);
            field.set_expiry(expires);
            due.insert(field);
        });
    }
}

/// The number of `field` among the fields.
fn position(packed: &Packed, field: &[u8]) -> Option<usize> {
    PackedPairs(packed.iter()).position(|(other, _)| other == field)
}
