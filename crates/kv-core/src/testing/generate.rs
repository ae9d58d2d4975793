//! Random keys, values, effects and operations, as proptest strategies.
//!
//! Keys come from a small set, so that operations meet; values lie around every size at which a store may
//! change its way of keeping them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::stream::{OnStream, on_streams};
use crate::{
    Clock, CollectionKind, Db, Effect, Elements, KeyValue, ListEnd, ManualClock, StoreError,
    StringValue, UnixMillis,
};

/// How many databases [`effects`] touch.
pub const DATABASES: u16 = 3;

/// Keys: mostly one of few short ones, now and then any bytes.
pub fn keys() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => "[a-d]{1,2}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..40),
        1 => vec(any::<u8>(), 200..300),
    ]
}

/// Values: integers, near-integers, and bytes from none to some thousands.
pub fn values() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        2 => (-20i64..20).prop_map(|number| number.to_string().into_bytes()),
        1 => "[-+ ]?0?[0-9]{0,20}".prop_map(String::into_bytes),
        4 => vec(any::<u8>(), 0..100),
        1 => (4_000usize..4_200, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
        1 => (5_000usize..20_000, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
    ]
}

/// Times around which [`Operation::Advance`] moves.
pub fn times() -> impl Strategy<Value = UnixMillis> {
    (0i64..2_000).prop_map(UnixMillis)
}

/// An effect that owns its bytes.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the variants and fields of Effect, which has the words"
)]
pub enum OwnedEffect {
    SetString {
        db: Db,
        key: Vec<u8>,
        value: Vec<u8>,
        expires: Option<UnixMillis>,
    },
    AppendString {
        db: Db,
        key: Vec<u8>,
        suffix: Vec<u8>,
    },
    PatchString {
        db: Db,
        key: Vec<u8>,
        offset: u64,
        bytes: Vec<u8>,
    },
    CopyKey {
        from: (Db, Vec<u8>),
        to: (Db, Vec<u8>),
    },
    MoveKey {
        from: (Db, Vec<u8>),
        to: (Db, Vec<u8>),
    },
    SwapDbs(Db, Db),
    SetExpiry {
        db: Db,
        key: Vec<u8>,
        expires: Option<UnixMillis>,
    },
    Delete {
        db: Db,
        key: Vec<u8>,
    },
    FlushDb {
        db: Db,
    },
    FlushAll,
    SetLibrary {
        name: Vec<u8>,
        code: Option<Vec<u8>>,
    },
    OnCollection(Db, Vec<u8>, OnCollection),
}

/// What an effect does with a collection.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the variants and fields of Effect, which has the words"
)]
pub enum OnCollection {
    Set(CollectionKind, Vec<Vec<u8>>, Option<UnixMillis>),
    ListPush(ListEnd, Vec<Vec<u8>>),
    ListPop(ListEnd, u64),
    ListSet(u64, Vec<u8>),
    ListInsert(u64, Vec<u8>),
    ListRemove(ListEnd, u64, Vec<u8>),
    HashSet(Vec<Vec<u8>>),
    HashDelete(Vec<Vec<u8>>),
    SetAdd(Vec<Vec<u8>>),
    SetRemove(Vec<Vec<u8>>),
    HashExpire(Vec<Vec<u8>>, Option<UnixMillis>),
    ZSetAdd(Vec<Vec<u8>>),
    ZSetRemove(Vec<Vec<u8>>),
    Stream(OnStream),
}

impl OwnedEffect {
    /// Shows the effect itself.
    pub fn with<R>(&self, show: impl FnOnce(&Effect<'_>) -> R) -> R {
        let Self::OnCollection(db, key, change) = self else {
            return show(&self.as_plain());
        };
        let (db, key) = (*db, key.as_slice());
        if let OnCollection::Stream(change) = change {
            return change.with(|change| show(&Effect::Stream { db, key, change }));
        }
        let slices: Vec<&[u8]> = change.elements().iter().map(Vec::as_slice).collect();
        let elements = Elements::new(&slices);
        show(&match *change {
            OnCollection::Set(kind, _, expires) => Effect::SetCollection {
                db,
                key,
                kind,
                elements,
                expires,
            },
            OnCollection::ListPush(end, _) => Effect::ListPush {
                db,
                key,
                end,
                elements,
            },
            OnCollection::ListPop(end, count) => Effect::ListPop {
                db,
                key,
                end,
                count,
            },
            OnCollection::ListSet(index, ref element) => Effect::ListSet {
                db,
                key,
                index,
                element,
            },
            OnCollection::ListInsert(index, ref element) => Effect::ListInsert {
                db,
                key,
                index,
                element,
            },
            OnCollection::ListRemove(from, count, ref element) => Effect::ListRemove {
                db,
                key,
                from,
                count,
                element,
            },
            OnCollection::HashSet(_) => Effect::HashSet {
                db,
                key,
                fields: elements,
            },
            OnCollection::HashDelete(_) => Effect::HashDelete {
                db,
                key,
                fields: elements,
            },
            OnCollection::SetAdd(_) => Effect::SetAdd {
                db,
                key,
                members: elements,
            },
            OnCollection::SetRemove(_) => Effect::SetRemove {
                db,
                key,
                members: elements,
            },
            OnCollection::HashExpire(_, expires) => Effect::HashExpire {
                db,
                key,
                expires,
                fields: elements,
            },
            OnCollection::ZSetAdd(_) => Effect::ZSetAdd {
                db,
                key,
                members: elements,
            },
            OnCollection::ZSetRemove(_) => Effect::ZSetRemove {
                db,
                key,
                members: elements,
            },
            OnCollection::Stream(_) => unreachable!("the caller looked"),
        })
    }

    fn as_plain(&self) -> Effect<'_> {
        match self {
            Self::OnCollection(..) => unreachable!("the caller looked"),
            Self::SetString {
                db,
                key,
                value,
                expires,
            } => Effect::SetString {
                db: *db,
                key,
                value: StringValue::new(value),
                expires: *expires,
            },
            Self::AppendString { db, key, suffix } => Effect::AppendString {
                db: *db,
                key,
                suffix,
            },
            Self::PatchString {
                db,
                key,
                offset,
                bytes,
            } => Effect::PatchString {
                db: *db,
                key,
                offset: *offset,
                bytes,
            },
            Self::CopyKey { from, to } => Effect::CopyKey {
                from_db: from.0,
                from: &from.1,
                db: to.0,
                key: &to.1,
            },
            Self::MoveKey { from, to } => Effect::MoveKey {
                from_db: from.0,
                from: &from.1,
                db: to.0,
                key: &to.1,
            },
            Self::SwapDbs(one, other) => Effect::SwapDbs {
                one: *one,
                other: *other,
            },
            Self::SetExpiry { db, key, expires } => Effect::SetExpiry {
                db: *db,
                key,
                expires: *expires,
            },
            Self::Delete { db, key } => Effect::Delete { db: *db, key },
            Self::FlushDb { db } => Effect::FlushDb { db: *db },
            Self::FlushAll => Effect::FlushAll,
            Self::SetLibrary { name, code } => Effect::SetLibrary {
                name,
                code: code.as_deref(),
            },
        }
    }
}

impl OnCollection {
    fn elements(&self) -> &[Vec<u8>] {
        match self {
            Self::Set(_, elements, _)
            | Self::ListPush(_, elements)
            | Self::HashSet(elements)
            | Self::HashDelete(elements)
            | Self::SetAdd(elements)
            | Self::SetRemove(elements)
            | Self::HashExpire(elements, _)
            | Self::ZSetAdd(elements)
            | Self::ZSetRemove(elements) => elements,
            Self::ListPop(..)
            | Self::ListSet(..)
            | Self::ListInsert(..)
            | Self::ListRemove(..)
            | Self::Stream(_) => &[],
        }
    }
}

/// Elements of collections: mostly few and short ones that meet again, now and then longer than a packed
/// collection holds.
pub fn elements() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => (b'a'..b'q').prop_map(|letter| vec![letter]),
        10 => any::<u8>().prop_map(|number| number.to_string().into_bytes()),
        5 => vec(any::<u8>(), 0..10),
        1 => (60usize..70, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
        1 => (100usize..300, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
    ]
}

/// Scores: mostly few small ones that meet again, now and then any number.
pub fn scores() -> impl Strategy<Value = f64> {
    prop_oneof![
        10 => (-3i8..4).prop_map(f64::from),
        3 => -3.0f64..3.0,
        1 => any::<f64>().prop_filter("a number", |score| !score.is_nan()),
        1 => Just(f64::INFINITY),
        1 => Just(-0.0),
    ]
}

/// Scores and members, as effects carry them.
fn scored() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let flat = |pairs: Vec<(f64, Vec<u8>)>| {
        let pairs = pairs.into_iter();
        let pairs = pairs.flat_map(|(score, member)| [score.to_le_bytes().to_vec(), member]);
        pairs.collect()
    };
    let many = (0u16..900, 100u16..300, scores()).prop_map(|(from, count, score)| {
        let numbers = from..from + count;
        let pair = |number: u16| {
            (
                score + f64::from(number % 7),
                number.to_string().into_bytes(),
            )
        };
        numbers.map(pair).collect()
    });
    prop_oneof![12 => vec((scores(), elements()), 0..5), 1 => many].prop_map(flat)
}

/// Changes of collections of all kinds, a few elements at a time, or enough to leave the packed form.
pub fn on_collections() -> impl Strategy<Value = OnCollection> {
    let end = || prop_oneof![Just(ListEnd::Front), Just(ListEnd::Back)];
    let few = || {
        prop_oneof![
            12 => vec(elements(), 0..5),
            1 => (0u16..900, 100u16..300).prop_map(|(from, count)| {
                let numbers = from..from + count;
                numbers.map(|number| number.to_string().into_bytes()).collect()
            }),
        ]
    };
    let pairs = || {
        few().prop_map(|mut all| {
            all.truncate(all.len() / 2 * 2);
            all
        })
    };
    let kind = prop_oneof![
        Just(CollectionKind::List),
        Just(CollectionKind::Hash),
        Just(CollectionKind::Set),
    ];
    let index = || prop_oneof![9 => 0u64..20, 1 => 100u64..200, 1 => Just(u64::MAX)];
    prop_oneof![
        8 => (end(), few()).prop_map(|(end, all)| OnCollection::ListPush(end, all)),
        4 => (end(), index()).prop_map(|(end, count)| OnCollection::ListPop(end, count)),
        2 => (index(), elements()).prop_map(|(index, one)| OnCollection::ListSet(index, one)),
        2 => (index(), elements()).prop_map(|(index, one)| OnCollection::ListInsert(index, one)),
        3 => (end(), index(), elements())
            .prop_map(|(end, count, one)| OnCollection::ListRemove(end, count, one)),
        3 => (kind, pairs(), option::of(times()))
            .prop_map(|(kind, all, expires)| OnCollection::Set(kind, all, expires)),
        8 => pairs().prop_map(OnCollection::HashSet),
        4 => few().prop_map(OnCollection::HashDelete),
        8 => few().prop_map(OnCollection::SetAdd),
        4 => few().prop_map(OnCollection::SetRemove),
        4 => (few(), option::of(times()))
            .prop_map(|(fields, expires)| OnCollection::HashExpire(fields, expires)),
        8 => scored().prop_map(OnCollection::ZSetAdd),
        4 => few().prop_map(OnCollection::ZSetRemove),
        8 => on_streams().prop_map(OnCollection::Stream),
        1 => (scored(), option::of(times()))
            .prop_map(|(all, expires)| OnCollection::Set(CollectionKind::ZSet, all, expires)),
    ]
}

/// Places in strings: mostly near the start, now and then around the size at which a store may change its way of
/// keeping them.
pub fn offsets() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0u64..30, 2 => 30u64..300, 1 => 4_000u64..4_200, 1 => 4_200u64..9_000]
}

/// Changes of libraries.
pub fn libraries() -> impl Strategy<Value = OwnedEffect> {
    (keys(), option::of(values())).prop_map(|(name, code)| OwnedEffect::SetLibrary { name, code })
}

/// Effects on the first [`DATABASES`] databases and beside them; flushes are rare.
pub fn effects() -> impl Strategy<Value = OwnedEffect> {
    let db = || (0..DATABASES).prop_map(Db);
    prop_oneof![
        40 => (db(), keys(), values(), option::of(times()))
            .prop_map(|(db, key, value, expires)| OwnedEffect::SetString { db, key, value, expires }),
        30 => (db(), keys(), values())
            .prop_map(|(db, key, suffix)| OwnedEffect::AppendString { db, key, suffix }),
        20 => (db(), keys(), offsets(), values())
            .prop_map(|(db, key, offset, bytes)| OwnedEffect::PatchString { db, key, offset, bytes }),
        8 => ((db(), keys()), (db(), keys())).prop_map(|(from, to)| OwnedEffect::CopyKey { from, to }),
        8 => ((db(), keys()), (db(), keys())).prop_map(|(from, to)| OwnedEffect::MoveKey { from, to }),
        2 => (db(), db()).prop_map(|(one, other)| OwnedEffect::SwapDbs(one, other)),
        20 => (db(), keys(), option::of(times()))
            .prop_map(|(db, key, expires)| OwnedEffect::SetExpiry { db, key, expires }),
        30 => (db(), keys()).prop_map(|(db, key)| OwnedEffect::Delete { db, key }),
        60 => (db(), keys(), on_collections())
            .prop_map(|(db, key, change)| OwnedEffect::OnCollection(db, key, change)),
        1 => db().prop_map(|db| OwnedEffect::FlushDb { db }),
        1 => Just(OwnedEffect::FlushAll),
        4 => libraries(),
    ]
}

/// One call on a [`KeyValue`], or time going by.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the methods of KeyValue, which has the words")]
pub enum Operation {
    Get(Vec<u8>),
    GetMany(Vec<Vec<u8>>),
    Set(Vec<u8>, Vec<u8>),
    /// To expire this many milliseconds from now.
    SetUntil(Vec<u8>, Vec<u8>, i64),
    Delete(Vec<u8>),
    Kind(Vec<u8>),
    /// To expire this many milliseconds from now.
    Expire(Vec<u8>, Option<i64>),
    Expiry(Vec<u8>),
    Clear,
    /// The clock moves on by this many milliseconds.
    Advance(i64),
}

impl Operation {
    /// Does it. What the store answers is for a [`Mirror`](super::mirror::Mirror) to judge.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub fn run(&self, store: &dyn KeyValue, clock: &ManualClock) -> Result<(), StoreError> {
        let later = |millis: i64| UnixMillis(clock.now().0 + millis);
        match self {
            Self::Get(key) => store.get(key).map(drop),
            Self::GetMany(keys) => {
                let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
                store.get_many(&keys).map(drop)
            }
            Self::Set(key, value) => store.set(key, value),
            Self::SetUntil(key, value, millis) => store.set_until(key, value, later(*millis)),
            Self::Delete(key) => store.delete(key).map(drop),
            Self::Kind(key) => store.kind(key).map(drop),
            Self::Expire(key, millis) => store.expire(key, millis.map(later)).map(drop),
            Self::Expiry(key) => store.expiry(key).map(drop),
            Self::Clear => store.clear(),
            Self::Advance(millis) => {
                clock.advance(*millis);
                Ok(())
            }
        }
    }
}

/// Operations in the proportions of a busy cache; `Clear` is rare.
pub fn operations() -> impl Strategy<Value = Operation> {
    let soon = || -10i64..500;
    prop_oneof![
        20 => keys().prop_map(Operation::Get),
        5 => vec(keys(), 0..20).prop_map(Operation::GetMany),
        20 => (keys(), values()).prop_map(|(key, value)| Operation::Set(key, value)),
        15 => (keys(), values(), soon())
            .prop_map(|(key, value, millis)| Operation::SetUntil(key, value, millis)),
        10 => keys().prop_map(Operation::Delete),
        5 => keys().prop_map(Operation::Kind),
        15 => (keys(), option::of(soon()))
            .prop_map(|(key, millis)| Operation::Expire(key, millis)),
        10 => keys().prop_map(Operation::Expiry),
        1 => Just(Operation::Clear),
        10 => (1i64..200).prop_map(Operation::Advance),
    ]
}
