//! How a transaction changes lists, hashes and sets; sorted sets have a file of their own.
//!
//! Invariant: a call that changes nothing records nothing.

use smallvec::SmallVec;

use super::Txn;
use crate::{CollectionKind, Effect, Elements, ListEnd, StoreError, UnixMillis};

/// Some byte strings that an effect will carry.
pub(super) type Slices<'a> = SmallVec<[&'a [u8]; 8]>;

/// Most elements of one effect of a large whole value.
pub(super) const PIECE_ELEMENTS: usize = 1024;

impl Txn<'_> {
    /// Puts a collection at `key`, whatever was there, without an expiry: elements from the front, members, or a
    /// field, its value, the next field. Without elements the key is deleted. For a sorted set see
    /// [`Txn::set_zset`], for what is too much to be copied [`Txn::set_elements`].
    ///
    /// # Panics
    ///
    /// When the last field of a hash has no value, or for a sorted set.
    pub fn set_collection(&mut self, key: &[u8], kind: CollectionKind, elements: &[&[u8]]) {
        let whole = kind != CollectionKind::Hash || elements.len().is_multiple_of(2);
        assert!(whole, "a field without a value");
        assert!(kind != CollectionKind::ZSet, "members without scores");
        if elements.is_empty() {
            self.delete(key);
            return;
        }
        self.apply(&Effect::SetCollection {
            db: self.view.at.db,
            key,
            kind,
            elements: Elements::new(elements),
            expires: None,
        });
    }

    /// Puts a list or a set at `key`, whatever was there, without an expiry; without elements the key is deleted.
    /// Returns how many elements it was given.
    ///
    /// # Panics
    ///
    /// When `kind` is another one.
    pub fn set_elements<E: AsRef<[u8]>>(
        &mut self,
        key: &[u8],
        kind: CollectionKind,
        elements: impl IntoIterator<Item = E>,
    ) -> usize {
        let db = self.view.at.db;
        let mut elements = elements.into_iter();
        let mut count = 0;
        loop {
            let piece: Vec<E> = elements.by_ref().take(PIECE_ELEMENTS).collect();
            let slices: Vec<&[u8]> = piece.iter().map(E::as_ref).collect();
            let all = Elements::new(&slices);
            let end = ListEnd::Back;
            match kind {
                CollectionKind::List | CollectionKind::Set if count == 0 => {
                    self.set_collection(key, kind, &slices);
                }
                _ if slices.is_empty() => {}
                CollectionKind::List => self.apply(&Effect::ListPush {
                    db,
                    key,
                    end,
                    elements: all,
                }),
                CollectionKind::Set => self.apply(&Effect::SetAdd {
                    db,
                    key,
                    members: all,
                }),
                CollectionKind::Hash | CollectionKind::ZSet => panic!("elements alone"),
            }
            count += slices.len();
            if slices.len() < PIECE_ELEMENTS {
                return count;
            }
        }
    }

    /// Adds `elements`, one after the other, at an end of the list at `key`, which is made if it is missing.
    /// Returns how long it is then.
    ///
    /// # Errors
    ///
    /// [`StoreError::WrongKind`]; nothing was changed then. So for all calls on collections.
    pub fn list_push(
        &mut self,
        key: &[u8],
        end: ListEnd,
        elements: &[&[u8]],
    ) -> Result<usize, StoreError> {
        let before = self.list(key)?.map_or(0, |list| list.len());
        if !elements.is_empty() {
            self.apply(&Effect::ListPush {
                db: self.view.at.db,
                key,
                end,
                elements: Elements::new(elements),
            });
        }
        Ok(before + elements.len())
    }

    /// Removes up to `count` elements at an end of the list at `key`. Returns how many there were to remove.
    ///
    /// # Errors
    ///
    /// As [`Txn::list_push`].
    pub fn list_pop(
        &mut self,
        key: &[u8],
        end: ListEnd,
        count: usize,
    ) -> Result<usize, StoreError> {
        let count = self.list(key)?.map_or(0, |list| list.len().min(count));
        if count > 0 {
            self.apply(&Effect::ListPop {
                db: self.view.at.db,
                key,
                end,
                count: count as u64,
            });
        }
        Ok(count)
    }

    /// Puts `element` in the place of the one at `index` of the list at `key`; whether there was one.
    ///
    /// # Errors
    ///
    /// As [`Txn::list_push`].
    pub fn list_set(
        &mut self,
        key: &[u8],
        index: usize,
        element: &[u8],
    ) -> Result<bool, StoreError> {
        let there = self.list(key)?.is_some_and(|list| index < list.len());
        if there {
            self.apply(&Effect::ListSet {
                db: self.view.at.db,
                key,
                index: index as u64,
                element,
            });
        }
        Ok(there)
    }

    /// Puts `element` before the one at `index` of the list at `key`, or at its end. Returns how long it is
    /// then; `None`, and nothing is changed, when there is no such key.
    ///
    /// # Errors
    ///
    /// As [`Txn::list_push`].
    pub fn list_insert(
        &mut self,
        key: &[u8],
        index: usize,
        element: &[u8],
    ) -> Result<Option<usize>, StoreError> {
        let Some(len) = self.list(key)?.map(|list| list.len()) else {
            return Ok(None);
        };
        self.apply(&Effect::ListInsert {
            db: self.view.at.db,
            key,
            index: index.min(len) as u64,
            element,
        });
        Ok(Some(len + 1))
    }

    /// Removes the first `count` elements, seen from an end, that equal `element` from the list at `key`.
    /// Returns how many there were to remove.
    ///
    /// # Errors
    ///
    /// As [`Txn::list_push`].
    pub fn list_remove(
        &mut self,
        key: &[u8],
        from: ListEnd,
        count: usize,
        element: &[u8],
    ) -> Result<usize, StoreError> {
        let list = self.list(key)?;
        let count = list.map_or(0, |list| list.count_equal(element, count));
        if count > 0 {
            self.apply(&Effect::ListRemove {
                db: self.view.at.db,
                key,
                from,
                count: count as u64,
                element,
            });
        }
        Ok(count)
    }

    /// Gives fields of the hash at `key` values: a field, its value, the next field, its value. The hash is
    /// made if it is missing; fields that were there expire no more. Returns how many fields are new.
    ///
    /// # Errors
    ///
    /// As [`Txn::list_push`].
    ///
    /// # Panics
    ///
    /// When the last field has no value.
    pub fn hash_set(&mut self, key: &[u8], fields: &[&[u8]]) -> Result<usize, StoreError> {
        assert!(fields.len().is_multiple_of(2), "a field without a value");
        let before = self.hash(key)?.map_or(0, |hash| hash.len());
        if fields.is_empty() {
            return Ok(0);
        }
        self.apply(&Effect::HashSet {
            db: self.view.at.db,
            key,
            fields: Elements::new(fields),
        });
        let after = self.hash(key)?.map_or(0, |hash| hash.len());
        Ok(after - before)
    }

    /// As [`Txn::hash_set`], but fields that are there keep their expiries.
    ///
    /// # Errors
    ///
    /// As [`Txn::list_push`].
    ///
    /// # Panics
    ///
    /// When the last field has no value.
    pub fn hash_set_keeping_expiry(
        &mut self,
        key: &[u8],
        fields: &[&[u8]],
    ) -> Result<usize, StoreError> {
        let mut kept: Vec<(UnixMillis, &[u8])> = Vec::new();
        if let Some(hash) = self.hash(key)? {
            let names = fields.iter().step_by(2);
            kept.extend(names.filter_map(|field| Some((hash.expiry(field)??, *field))));
        }
        let new = self.hash_set(key, fields)?;
        kept.sort_unstable();
        for of_one_time in kept.chunk_by(|first, next| first.0 == next.0) {
            let fields: Slices<'_> = of_one_time.iter().map(|(_, field)| *field).collect();
            self.apply(&Effect::HashExpire {
                db: self.view.at.db,
                key,
                expires: of_one_time.first().map(|(expires, _)| *expires),
                fields: Elements::new(&fields),
            });
        }
        Ok(new)
    }

    /// Changes when fields of the hash at `key` expire, `None` for never; a time that has come already removes
    /// them. Returns how many of the fields are there.
    ///
    /// # Errors
    ///
    /// As [`Txn::list_push`].
    pub fn hash_expire(
        &mut self,
        key: &[u8],
        fields: &[&[u8]],
        expires: Option<UnixMillis>,
    ) -> Result<usize, StoreError> {
        if expires.is_some_and(|expires| expires <= self.view.at.now) {
            let removed = self.hash_delete(key, fields)?;
            self.count_expired_fields(key, removed);
            return Ok(removed);
        }
        let Some(hash) = self.hash(key)? else {
            return Ok(0);
        };
        let there = fields.iter().filter(|field| hash.contains(field)).count();
        let changed = |field: &&&[u8]| hash.expiry(field).is_some_and(|old| old != expires);
        let changed: Slices<'_> = fields.iter().filter(changed).copied().collect();
        if !changed.is_empty() {
            self.apply(&Effect::HashExpire {
                db: self.view.at.db,
                key,
                expires,
                fields: Elements::new(&changed),
            });
        }
        Ok(there)
    }

    /// Counts fields of the hash at `key` as expired: they were given a time that has come already.
    pub fn count_expired_fields(&mut self, key: &[u8], fields: usize) {
        self.view.access.count_expired(key, Some(fields));
    }

    /// Removes fields of the hash at `key`. Returns how many were there.
    ///
    /// # Errors
    ///
    /// As [`Txn::list_push`].
    pub fn hash_delete(&mut self, key: &[u8], fields: &[&[u8]]) -> Result<usize, StoreError> {
        let Some(hash) = self.hash(key)? else {
            return Ok(0);
        };
        let before = hash.len();
        let there: Slices<'_> = fields
            .iter()
            .copied()
            .filter(|field| hash.contains(field))
            .collect();
        if there.is_empty() {
            return Ok(0);
        }
        self.apply(&Effect::HashDelete {
            db: self.view.at.db,
            key,
            fields: Elements::new(&there),
        });
        let after = self.hash(key)?.map_or(0, |hash| hash.len());
        Ok(before - after)
    }

    /// Adds members to the set at `key`, which is made if it is missing. Returns how many are new.
    ///
    /// # Errors
    ///
    /// As [`Txn::list_push`].
    pub fn set_add(&mut self, key: &[u8], members: &[&[u8]]) -> Result<usize, StoreError> {
        let set = self.set(key)?;
        let before = set.map_or(0, |set| set.len());
        let new: Slices<'_> = members
            .iter()
            .copied()
            .filter(|member| set.is_none_or(|set| !set.contains(member)))
            .collect();
        if new.is_empty() {
            return Ok(0);
        }
        self.apply(&Effect::SetAdd {
            db: self.view.at.db,
            key,
            members: Elements::new(&new),
        });
        let after = self.set(key)?.map_or(0, |set| set.len());
        Ok(after - before)
    }

    /// Removes members of the set at `key`. Returns how many were there.
    ///
    /// # Errors
    ///
    /// As [`Txn::list_push`].
    pub fn set_remove(&mut self, key: &[u8], members: &[&[u8]]) -> Result<usize, StoreError> {
        let Some(set) = self.set(key)? else {
            return Ok(0);
        };
        let before = set.len();
        let there: Slices<'_> = members
            .iter()
            .copied()
            .filter(|member| set.contains(member))
            .collect();
        if there.is_empty() {
            return Ok(0);
        }
        self.apply(&Effect::SetRemove {
            db: self.view.at.db,
            key,
            members: Elements::new(&there),
        });
        let after = self.set(key)?.map_or(0, |set| set.len());
        Ok(before - after)
    }
}
