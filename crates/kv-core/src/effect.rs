//! Every way in which data can change: the only vocabulary of the log.
//!
//! Invariant: an effect is absolute. Times are points in time, results of chance are results, expiry is
//! an explicit delete; applying an effect needs no clock and no luck.
//! Invariant: every effect means something for every state, so that replay has nothing to judge. What adds to a
//! value of one kind takes a missing key, and a key of another kind, for an empty value of its kind without
//! expiry; what only takes away, or adds nothing, leaves them as they are. A key whose collection became
//! empty is gone; a stream without entries is not.
//! Invariant: the order of variants here never reaches disk; `kv-wal` gives each an explicit number.

use crate::{CollectionKind, Db, Elements, ListEnd, StreamChange, StringValue, UnixMillis};

/// One change: to one database, to all of them, or to what stands beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect<'a> {
    /// The key now holds this string; what it held before, and its expiry, are gone.
    SetString {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// The whole new value.
        value: StringValue<'a>,
        /// When the key expires; `None`: never.
        expires: Option<UnixMillis>,
    },
    /// The string at the key grew by `suffix` at its end; its expiry stays. A missing key counts as an
    /// empty string without expiry.
    AppendString {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// The bytes that were added.
        suffix: &'a [u8],
    },
    /// The string at the key has these bytes from `offset` on; it grew as far as they reach, with zeros in
    /// between; its expiry stays. Without bytes nothing changes.
    PatchString {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// Where the first byte is. With the bytes, no more than a string may have.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The key's expiry changed; its value stays.
    SetExpiry {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// When the key expires now; `None`: never.
        expires: Option<UnixMillis>,
    },
    /// The key is gone, whatever it held: deleted, expired or evicted.
    Delete {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
    },
    /// The key now holds what another key holds, with its expiry; what it held before is gone. Where the other
    /// one is missing, so is the key.
    CopyKey {
        /// The database of the other key.
        from_db: Db,
        /// The other key.
        from: &'a [u8],
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
    },
    /// As [`Effect::CopyKey`], and the other key is gone, unless it is the key itself.
    MoveKey {
        /// The database of the other key.
        from_db: Db,
        /// The other key.
        from: &'a [u8],
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
    },
    /// Two databases have changed places.
    SwapDbs {
        /// One.
        one: Db,
        /// The other.
        other: Db,
    },
    /// The key now holds this collection; what it held before, and its expiry, are gone. Without elements
    /// the key is gone.
    SetCollection {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// What the elements are.
        kind: CollectionKind,
        /// The whole new value: elements from the front, members, or a field, its value, the next field, or a
        /// score, its member, the next score.
        elements: Elements<'a>,
        /// When the key expires; `None`: never.
        expires: Option<UnixMillis>,
    },
    /// The list at the key grew at one end.
    ListPush {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// Where.
        end: ListEnd,
        /// What was added, one after the other: the last one is outermost.
        elements: Elements<'a>,
    },
    /// The list at the key lost elements at one end.
    ListPop {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// Where.
        end: ListEnd,
        /// How many; all if there were fewer.
        count: u64,
    },
    /// One element of the list at the key is another one now.
    ListSet {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// Which, counted from the front; nothing changes when there is none.
        index: u64,
        /// The new element.
        element: &'a [u8],
    },
    /// The list at the key grew in its middle.
    ListInsert {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// What the index of the new element is; at the end when there are fewer elements.
        index: u64,
        /// The new element.
        element: &'a [u8],
    },
    /// The list at the key lost elements that equal one value.
    ListRemove {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// Which of them go first.
        from: ListEnd,
        /// How many; all if there were fewer.
        count: u64,
        /// The value.
        element: &'a [u8],
    },
    /// Fields of the hash at the key have these values, and expire no more.
    HashSet {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// A field, its value, the next field, its value.
        fields: Elements<'a>,
    },
    /// Fields of the hash at the key are gone.
    HashDelete {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// The fields; some may not have been there.
        fields: Elements<'a>,
    },
    /// The set at the key has these members.
    SetAdd {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// The members; some may have been there.
        members: Elements<'a>,
    },
    /// Members of the set at the key are gone.
    SetRemove {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// The members; some may not have been there.
        members: Elements<'a>,
    },
    /// Fields of the hash at the key expire then, as far as they are there.
    HashExpire {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// When they expire now; `None`: never.
        expires: Option<UnixMillis>,
        /// The fields; some may not be there.
        fields: Elements<'a>,
    },
    /// Members of the sorted set at the key have these scores.
    ZSetAdd {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// A score (see [`Elements::scored`]), its member, the next score, its member.
        members: Elements<'a>,
    },
    /// Members of the sorted set at the key are gone.
    ZSetRemove {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// The members; some may not have been there.
        members: Elements<'a>,
    },
    /// The stream at the key changed.
    Stream {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// How.
        change: StreamChange<'a>,
    },
    /// Every key of one database is gone.
    FlushDb {
        /// The database.
        db: Db,
    },
    /// Every key of every database is gone; libraries stay.
    FlushAll,
    /// The library of this name has this code now.
    SetLibrary {
        /// The name.
        name: &'a [u8],
        /// The code; `None`: the library is gone.
        code: Option<&'a [u8]>,
    },
}

impl<'a> Effect<'a> {
    /// The database and key that this effect gives a value or takes it from; `None` for those that touch whole
    /// databases, or none.
    #[must_use]
    pub fn key(&self) -> Option<(Db, &'a [u8])> {
        match *self {
            Self::SetString { db, key, .. }
            | Self::AppendString { db, key, .. }
            | Self::PatchString { db, key, .. }
            | Self::CopyKey { db, key, .. }
            | Self::MoveKey { db, key, .. }
            | Self::SetExpiry { db, key, .. }
            | Self::Delete { db, key }
            | Self::SetCollection { db, key, .. }
            | Self::ListPush { db, key, .. }
            | Self::ListPop { db, key, .. }
            | Self::ListSet { db, key, .. }
            | Self::ListInsert { db, key, .. }
            | Self::ListRemove { db, key, .. }
            | Self::HashSet { db, key, .. }
            | Self::HashDelete { db, key, .. }
            | Self::SetAdd { db, key, .. }
            | Self::SetRemove { db, key, .. }
            | Self::HashExpire { db, key, .. }
            | Self::ZSetAdd { db, key, .. }
            | Self::ZSetRemove { db, key, .. }
            | Self::Stream { db, key, .. } => Some((db, key)),
            Self::SwapDbs { .. }
            | Self::FlushDb { .. }
            | Self::FlushAll
            | Self::SetLibrary { .. } => None,
        }
    }

    /// The database and key that this effect takes a value from, beside the one that it touches.
    #[must_use]
    pub fn source(&self) -> Option<(Db, &'a [u8])> {
        match *self {
            Self::CopyKey { from_db, from, .. } | Self::MoveKey { from_db, from, .. } => {
                Some((from_db, from))
            }
            _ => None,
        }
    }

    /// The database and key that is gone because its value has moved.
    pub(crate) fn moved_from(&self) -> Option<(Db, &'a [u8])> {
        match self {
            Self::MoveKey { .. } => self.source(),
            _ => None,
        }
    }

    /// Whether the key may be there afterwards without having been there before.
    #[must_use]
    pub(crate) fn makes_keys(&self) -> bool {
        match self {
            Self::SetString { .. }
            | Self::AppendString { .. }
            | Self::PatchString { .. }
            | Self::CopyKey { .. }
            | Self::MoveKey { .. }
            | Self::SetCollection { .. }
            | Self::ListPush { .. }
            | Self::ListInsert { .. }
            | Self::HashSet { .. }
            | Self::SetAdd { .. }
            | Self::ZSetAdd { .. } => true,
            Self::Stream { change, .. } => change.makes_keys(),
            Self::SetExpiry { .. }
            | Self::Delete { .. }
            | Self::ListPop { .. }
            | Self::ListSet { .. }
            | Self::ListRemove { .. }
            | Self::HashDelete { .. }
            | Self::HashExpire { .. }
            | Self::SetRemove { .. }
            | Self::ZSetRemove { .. }
            | Self::SwapDbs { .. }
            | Self::FlushDb { .. }
            | Self::FlushAll
            | Self::SetLibrary { .. } => false,
        }
    }
}
