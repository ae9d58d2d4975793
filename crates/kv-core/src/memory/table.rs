//! The table of one stripe and database: entries by key.

use std::collections::HashMap;

use bytes::Bytes;

use crate::{StringRef, StringValue, UnixMillis, ValueRef};

#[derive(Default)]
pub(crate) struct Table {
    entries: HashMap<Box<[u8]>, Entry>,
}

struct Entry {
    value: Stored,
    expires: Option<UnixMillis>,
}

enum Stored {
    Int(i64),
    Bytes(Bytes),
}

/// A look at one entry.
#[derive(Clone, Copy)]
pub(crate) struct EntryRef<'t> {
    key: &'t [u8],
    entry: &'t Entry,
}

impl<'t> EntryRef<'t> {
    pub(crate) fn key(self) -> &'t [u8] {
        self.key
    }

    pub(crate) fn value(self) -> ValueRef<'t> {
        ValueRef::String(match &self.entry.value {
            Stored::Int(number) => StringRef::Int(*number),
            Stored::Bytes(bytes) => StringRef::Shared(bytes),
        })
    }

    pub(crate) fn expires(self) -> Option<UnixMillis> {
        self.entry.expires
    }
}

impl Table {
    pub(crate) fn get(&self, _hash: u64, key: &[u8]) -> Option<EntryRef<'_>> {
        self.entries
            .get_key_value(key)
            .map(|(key, entry)| EntryRef { key, entry })
    }

    pub(crate) fn set_string(
        &mut self,
        _hash: u64,
        key: &[u8],
        value: StringValue<'_>,
        expires: Option<UnixMillis>,
    ) {
        let value = match value {
            StringValue::Int(number) => Stored::Int(number),
            StringValue::Bytes(bytes) => Stored::Bytes(Bytes::copy_from_slice(bytes)),
        };
        self.entries.insert(key.into(), Entry { value, expires });
    }

    pub(crate) fn append_string(&mut self, hash: u64, key: &[u8], suffix: &[u8]) {
        let (mut bytes, expires) = match self.get(hash, key) {
            Some(EntryRef { entry, .. }) => match &entry.value {
                Stored::Int(number) => (number.to_string().into_bytes(), entry.expires),
                Stored::Bytes(bytes) => (bytes.to_vec(), entry.expires),
            },
            None => (Vec::new(), None),
        };
        bytes.extend_from_slice(suffix);
        self.set_string(hash, key, StringValue::new(&bytes), expires);
    }

    pub(crate) fn set_expiry(&mut self, _hash: u64, key: &[u8], expires: Option<UnixMillis>) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.expires = expires;
        }
    }

    pub(crate) fn remove(&mut self, _hash: u64, key: &[u8]) {
        self.entries.remove(key);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn for_each(&self, show: &mut dyn FnMut(EntryRef<'_>)) {
        #[expect(
            clippy::iter_over_hash_type,
            reason = "the order of keys is no promise"
        )]
        for (key, entry) in &self.entries {
            show(EntryRef { key, entry });
        }
    }
}
