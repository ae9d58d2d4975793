//! The model: what effects and calls mean, said as plainly as possible.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::log::value_bytes;
use super::stream::ModelStream;
use crate::{
    Clock, CollectionKind, Cursor, Db, Effect, Elements, Expiry, KeyValue, Kind, ListEnd, Store,
    StoreError, StreamChange, StringRef, UnixMillis, ValueRef,
};

/// What a key holds, and when it expires.
type Held = (ModelValue, Option<UnixMillis>);

/// What a key holds, by the plainest means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelValue {
    /// A string.
    String(Vec<u8>),
    /// A list.
    List(VecDeque<Vec<u8>>),
    /// A hash: values by field, with their expiries.
    Hash(ModelHash),
    /// A set.
    Set(BTreeSet<Vec<u8>>),
    /// A sorted set: the bits of scores by member.
    ZSet(BTreeMap<Vec<u8>, u64>),
    /// A stream.
    Stream(ModelStream),
}

type ModelHash = BTreeMap<Vec<u8>, (Vec<u8>, Option<UnixMillis>)>;

impl ModelValue {
    /// The value that a store shows.
    ///
    /// # Panics
    ///
    /// When it shows an integer as bytes, an empty collection, or one whose length is not what it holds.
    #[must_use]
    pub fn of(value: ValueRef<'_>) -> Self {
        let shown = match value {
            ValueRef::String(string) => {
                if let StringRef::Bytes(bytes) = string {
                    assert_eq!(string.to_value(), crate::StringValue::Bytes(bytes));
                }
                return Self::String(string.to_bytes().to_vec());
            }
            ValueRef::Stream(stream) => return Self::Stream(ModelStream::of(stream)),
            ValueRef::List(list) => Self::List(list.iter().map(<[u8]>::to_vec).collect()),
            ValueRef::Hash(hash) => {
                let owned = |(field, value): (&[u8], &[u8])| {
                    let expires = hash.expiry(field).expect("a field that is shown");
                    (field.to_vec(), (value.to_vec(), expires))
                };
                Self::Hash(hash.iter().map(owned).collect())
            }
            ValueRef::Set(set) => Self::Set(set.iter().map(<[u8]>::to_vec).collect()),
            ValueRef::ZSet(zset) => {
                let all: Vec<(&[u8], f64)> = zset.iter().collect();
                let in_order = all.is_sorted_by(|first, next| {
                    first.1 < next.1 || first.1 == next.1 && first.0 < next.0
                });
                assert!(in_order, "the order of {all:?}");
                let owned = |(member, score): (&[u8], f64)| (member.to_vec(), score.to_bits());
                Self::ZSet(all.into_iter().map(owned).collect())
            }
        };
        let told = match value {
            ValueRef::String(_) | ValueRef::Stream(_) => 0,
            ValueRef::List(list) => list.len(),
            ValueRef::Hash(hash) => hash.len(),
            ValueRef::Set(set) => set.len(),
            ValueRef::ZSet(zset) => zset.len(),
        };
        assert_eq!(shown.len(), told, "the length of a collection");
        assert!(!shown.is_empty(), "an empty collection");
        shown
    }

    /// The kind of value.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::String(_) => Kind::String,
            Self::List(_) => Kind::List,
            Self::Hash(_) => Kind::Hash,
            Self::Set(_) => Kind::Set,
            Self::ZSet(_) => Kind::ZSet,
            Self::Stream(_) => Kind::Stream,
        }
    }

    /// Bytes of a string, elements of a collection.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::String(string) => string.len(),
            Self::List(list) => list.len(),
            Self::Hash(hash) => hash.len(),
            Self::Set(set) => set.len(),
            Self::ZSet(zset) => zset.len(),
            Self::Stream(stream) => stream.len(),
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn list(&mut self) -> &mut VecDeque<Vec<u8>> {
        match self {
            Self::List(list) => list,
            _ => unreachable!("the caller made sure of the kind"),
        }
    }

    fn hash(&mut self) -> &mut ModelHash {
        match self {
            Self::Hash(hash) => hash,
            _ => unreachable!("the caller made sure of the kind"),
        }
    }

    fn zset(&mut self) -> &mut BTreeMap<Vec<u8>, u64> {
        match self {
            Self::ZSet(zset) => zset,
            _ => unreachable!("the caller made sure of the kind"),
        }
    }

    fn set(&mut self) -> &mut BTreeSet<Vec<u8>> {
        match self {
            Self::Set(set) => set,
            _ => unreachable!("the caller made sure of the kind"),
        }
    }
}

/// Databases as one ordered map, and libraries as another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model(BTreeMap<(Db, Vec<u8>), Held>, BTreeMap<Vec<u8>, Vec<u8>>);

impl Model {
    /// Everything that `store` holds, expired keys included.
    ///
    /// # Panics
    ///
    /// When the store shows a key twice, or an integer as bytes.
    #[must_use]
    pub fn of(store: &dyn Store) -> Self {
        let mut entries = BTreeMap::new();
        store.for_each(&mut |item| {
            let value = ModelValue::of(item.value);
            let before = entries.insert((item.db, item.key.to_vec()), (value, item.expires));
            assert_eq!(before, None, "key {:?} was shown twice", item.key);
        });
        let libraries = store.libraries();
        let libraries = libraries.iter();
        let libraries = libraries.map(|(name, code)| (name.to_vec(), code.to_vec()));
        Self(entries, libraries.collect())
    }

    /// What `key` holds.
    #[must_use]
    pub fn value(&self, db: Db, key: &[u8]) -> Option<&ModelValue> {
        self.0.get(&(db, key.to_vec())).map(|(value, _)| value)
    }

    /// How many keys `db` has, expired ones included.
    #[must_use]
    pub fn len(&self, db: Db) -> u64 {
        self.0.keys().filter(|(of, _)| *of == db).count() as u64
    }

    /// Does what `effect` says.
    pub fn apply(&mut self, effect: &Effect<'_>) {
        match *effect {
            Effect::SetString {
                db,
                key,
                value,
                expires,
            } => {
                let value = value_bytes(value, &mut itoa::Buffer::new()).to_vec();
                let value = ModelValue::String(value);
                self.0.insert((db, key.to_vec()), (value, expires));
            }
            Effect::AppendString { db, key, suffix } => {
                self.change(db, key, ModelValue::String(Vec::new()), |value| {
                    if let ModelValue::String(string) = value {
                        string.extend_from_slice(suffix);
                    }
                });
            }
            Effect::PatchString { bytes: [], .. } => {}
            Effect::PatchString {
                db,
                key,
                offset,
                bytes,
            } => {
                let offset = usize::try_from(offset).expect("inside a string");
                self.change(db, key, ModelValue::String(Vec::new()), |value| {
                    if let ModelValue::String(string) = value {
                        string.resize(string.len().max(offset + bytes.len()), 0);
                        string[offset..offset + bytes.len()].copy_from_slice(bytes);
                    }
                });
            }
            Effect::CopyKey { .. } | Effect::MoveKey { .. } => self.apply_to_two(effect),
            Effect::SwapDbs { one, other } => {
                let old = std::mem::take(&mut self.0);
                self.0.extend(old.into_iter().map(|((db, key), held)| {
                    let db = match db {
                        db if db == one => other,
                        db if db == other => one,
                        db => db,
                    };
                    ((db, key), held)
                }));
            }
            Effect::SetExpiry { db, key, expires } => {
                if let Some(held) = self.0.get_mut(&(db, key.to_vec())) {
                    held.1 = expires;
                }
            }
            Effect::Delete { db, key } => {
                self.0.remove(&(db, key.to_vec()));
            }
            Effect::FlushDb { db } => self.0.retain(|(of, _), _| *of != db),
            Effect::FlushAll => self.0.clear(),
            Effect::SetLibrary { name, code } => {
                match code {
                    Some(code) => self.1.insert(name.to_vec(), code.to_vec()),
                    None => self.1.remove(name),
                };
            }
            Effect::SetCollection {
                db,
                key,
                kind,
                elements,
                expires,
            } => {
                let at = (db, key.to_vec());
                let all = elements.iter().map(<[u8]>::to_vec);
                let value = match kind {
                    CollectionKind::List => ModelValue::List(all.collect()),
                    CollectionKind::Set => ModelValue::Set(all.collect()),
                    CollectionKind::Hash => ModelValue::Hash(model_fields(elements).collect()),
                    CollectionKind::ZSet => ModelValue::ZSet(model_members(elements).collect()),
                };
                self.0.remove(&at);
                if !value.is_empty() {
                    self.0.insert(at, (value, expires));
                }
            }
            Effect::ListPush { .. }
            | Effect::ListPop { .. }
            | Effect::ListSet { .. }
            | Effect::ListInsert { .. }
            | Effect::ListRemove { .. } => self.apply_to_list(effect),
            Effect::HashSet { db, key, fields } => self.change_hash(db, key, |hash| {
                hash.extend(model_fields(fields));
            }),
            Effect::HashExpire {
                db,
                key,
                expires,
                fields,
            } => self.change_hash(db, key, |hash| {
                for field in fields.iter() {
                    hash.entry(field.to_vec())
                        .and_modify(|held| held.1 = expires);
                }
            }),
            Effect::ZSetAdd { db, key, members } => self.change_zset(db, key, |zset| {
                zset.extend(model_members(members));
            }),
            Effect::ZSetRemove { db, key, members } => self.change_zset(db, key, |zset| {
                zset.retain(|member, _| members.iter().all(|gone| gone != member));
            }),
            Effect::Stream { db, key, change } => self.change_stream(db, key, &change),
            Effect::HashDelete { db, key, fields } => self.change_hash(db, key, |hash| {
                hash.retain(|field, _| fields.iter().all(|gone| gone != field));
            }),
            Effect::SetAdd { db, key, members } => self.change_set(db, key, |set| {
                set.extend(members.iter().map(<[u8]>::to_vec));
            }),
            Effect::SetRemove { db, key, members } => self.change_set(db, key, |set| {
                set.retain(|member| members.iter().all(|gone| gone != member));
            }),
        }
    }

    fn apply_to_two(&mut self, effect: &Effect<'_>) {
        let (Some((from_db, from)), Some((db, key))) = (effect.source(), effect.key()) else {
            return;
        };
        let (from, to) = ((from_db, from.to_vec()), (db, key.to_vec()));
        if from == to {
            return;
        }
        let held = match effect {
            Effect::MoveKey { .. } => self.0.remove(&from),
            _ => self.0.get(&from).cloned(),
        };
        match held {
            Some(held) => self.0.insert(to, held),
            None => self.0.remove(&to),
        };
    }

    fn apply_to_list(&mut self, effect: &Effect<'_>) {
        let Some((db, key)) = effect.key() else {
            return;
        };
        let to_usize = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        self.change(db, key, ModelValue::List(VecDeque::new()), |value| {
            let list = value.list();
            match *effect {
                Effect::ListPush { end, elements, .. } => {
                    for element in elements.iter() {
                        match end {
                            ListEnd::Front => list.push_front(element.to_vec()),
                            ListEnd::Back => list.push_back(element.to_vec()),
                        }
                    }
                }
                Effect::ListPop { end, count, .. } => {
                    for _ in 0..to_usize(count).min(list.len()) {
                        match end {
                            ListEnd::Front => list.pop_front(),
                            ListEnd::Back => list.pop_back(),
                        };
                    }
                }
                Effect::ListSet { index, element, .. } => {
                    if let Some(old) = list.get_mut(to_usize(index)) {
                        *old = element.to_vec();
                    }
                }
                Effect::ListInsert { index, element, .. } => {
                    list.insert(to_usize(index).min(list.len()), element.to_vec());
                }
                Effect::ListRemove {
                    from,
                    count,
                    element,
                    ..
                } => {
                    for _ in 0..to_usize(count).min(list.len()) {
                        let mut places = (0..list.len()).filter(|place| list[*place] == element);
                        let place = match from {
                            ListEnd::Front => places.next(),
                            ListEnd::Back => places.next_back(),
                        };
                        place.map(|place| list.remove(place));
                    }
                }
                _ => unreachable!("an effect on a list"),
            }
        });
    }

    fn change_hash(&mut self, db: Db, key: &[u8], change: impl FnOnce(&mut ModelHash)) {
        let empty = ModelValue::Hash(BTreeMap::new());
        self.change(db, key, empty, |value| change(value.hash()));
    }

    fn change_zset(
        &mut self,
        db: Db,
        key: &[u8],
        change: impl FnOnce(&mut BTreeMap<Vec<u8>, u64>),
    ) {
        let empty = ModelValue::ZSet(BTreeMap::new());
        self.change(db, key, empty, |value| change(value.zset()));
    }

    fn change_set(&mut self, db: Db, key: &[u8], change: impl FnOnce(&mut BTreeSet<Vec<u8>>)) {
        let empty = ModelValue::Set(BTreeSet::new());
        self.change(db, key, empty, |value| change(value.set()));
    }

    /// Changes a stream, which is there even if it is empty.
    fn change_stream(&mut self, db: Db, key: &[u8], change: &StreamChange<'_>) {
        let held = self.0.entry((db, key.to_vec()));
        if let Entry::Occupied(mut held) = held {
            match &mut held.get_mut().0 {
                ModelValue::Stream(stream) if *change != StreamChange::Renew => {
                    return stream.apply(change);
                }
                _ if !change.makes_keys() => return,
                _ => {}
            }
        } else if !change.makes_keys() {
            return;
        }
        let mut stream = ModelStream::default();
        stream.apply(change);
        let held = (ModelValue::Stream(stream), None);
        self.0.insert((db, key.to_vec()), held);
    }

    /// Changes the value at `key`; a missing key, or one of another kind than `empty`, counts as that. What
    /// only takes away leaves a key of another kind as it is: an empty collection is no key.
    fn change(
        &mut self,
        db: Db,
        key: &[u8],
        empty: ModelValue,
        change: impl FnOnce(&mut ModelValue),
    ) {
        let at = (db, key.to_vec());
        let kind = empty.kind();
        let there = self.0.get(&at).filter(|held| held.0.kind() == kind);
        let (mut value, expires) = there.cloned().unwrap_or((empty, None));
        let was_there = there.is_some();
        change(&mut value);
        if kind == Kind::String || !value.is_empty() {
            self.0.insert(at, (value, expires));
        } else if was_there {
            self.0.remove(&at);
        }
    }

    /// Forgets what has expired by `now`, fields of hashes included.
    pub fn expire(&mut self, now: UnixMillis) {
        let is_live = |expires: &Option<UnixMillis>| expires.is_none_or(|expires| expires > now);
        self.0.retain(|_, (value, expires)| {
            if let ModelValue::Hash(hash) = value {
                hash.retain(|_, (_, expires)| is_live(expires));
                return is_live(expires) && !hash.is_empty();
            }
            is_live(expires)
        });
    }
}

/// The fields of a hash without expiries.
fn model_fields(
    elements: Elements<'_>,
) -> impl Iterator<Item = (Vec<u8>, (Vec<u8>, Option<UnixMillis>))> {
    let pairs = elements.pairs();
    pairs.map(|(field, value)| (field.to_vec(), (value.to_vec(), None)))
}

/// The members of a sorted set.
fn model_members(elements: Elements<'_>) -> impl Iterator<Item = (Vec<u8>, u64)> {
    let pairs = elements.scored();
    pairs.map(|(score, member)| (member.to_vec(), score.to_bits()))
}

/// The model as a [`KeyValue`] store of the first database.
pub struct ModelStore {
    model: Mutex<Model>,
    clock: Arc<dyn Clock>,
}

impl ModelStore {
    /// An empty one.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            model: Mutex::default(),
            clock,
        }
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        model.expire(self.clock.now());
        model
    }

    fn held(&self, key: &[u8]) -> Option<Held> {
        self.model().0.get(&(Db::FIRST, key.to_vec())).cloned()
    }
}

impl KeyValue for ModelStore {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        match self.held(key) {
            None => Ok(None),
            Some((ModelValue::String(value), _)) => Ok(Some(value.into())),
            Some((other, _)) => Err(StoreError::WrongKind {
                expected: Kind::String,
                found: other.kind(),
            }),
        }
    }

    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let one = |key: &&[u8]| Ok(self.get(key).unwrap_or_default());
        keys.iter().map(one).collect()
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let held = (ModelValue::String(value.to_vec()), None);
        self.model().0.insert((Db::FIRST, key.to_vec()), held);
        Ok(())
    }

    fn set_until(&self, key: &[u8], value: &[u8], expires: UnixMillis) -> Result<(), StoreError> {
        let held = (ModelValue::String(value.to_vec()), Some(expires));
        self.model().0.insert((Db::FIRST, key.to_vec()), held);
        Ok(())
    }

    fn delete(&self, key: &[u8]) -> Result<bool, StoreError> {
        let key = (Db::FIRST, key.to_vec());
        Ok(self.model().0.remove(&key).is_some())
    }

    fn kind(&self, key: &[u8]) -> Result<Option<Kind>, StoreError> {
        Ok(self.held(key).map(|(value, _)| value.kind()))
    }

    fn expire(&self, key: &[u8], expires: Option<UnixMillis>) -> Result<bool, StoreError> {
        let mut model = self.model();
        let held = model.0.get_mut(&(Db::FIRST, key.to_vec()));
        let there = held.map(|held| held.1 = expires);
        Ok(there.is_some())
    }

    fn expiry(&self, key: &[u8]) -> Result<Expiry, StoreError> {
        Ok(match self.held(key) {
            None => Expiry::NoKey,
            Some((_, None)) => Expiry::Never,
            Some((_, Some(expires))) => Expiry::At(expires),
        })
    }

    fn len(&self) -> Result<u64, StoreError> {
        Ok(self.model().len(Db::FIRST))
    }

    fn scan(&self, _cursor: Cursor, _count: usize) -> Result<(Cursor, Vec<Bytes>), StoreError> {
        let model = self.model();
        let keys = model.0.keys().filter(|(db, _)| *db == Db::FIRST);
        let keys = keys.map(|(_, key)| Bytes::copy_from_slice(key));
        Ok((Cursor::START, keys.collect()))
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.model().apply(&Effect::FlushDb { db: Db::FIRST });
        Ok(())
    }
}
