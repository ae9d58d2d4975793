//! A log in memory: remembers effects, and settles when it is told.

mod stream;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::{
    CollectionKind, Db, Effect, EffectLog, Elements, ListEnd, Lsn, Refusal, Size, Store,
    StringValue, UnixMillis,
};

/// An [`EffectLog`] that a test holds in its hands.
#[derive(Debug, Default)]
pub struct ManualLog {
    state: Mutex<State>,
    settled: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    encoded: Vec<u8>,
    last: u64,
    refusal: Option<Refusal>,
    bytes_max: Option<usize>,
}

impl ManualLog {
    /// The LSN of the last effect.
    #[must_use]
    pub fn last(&self) -> Lsn {
        Lsn(self.state().last)
    }

    /// From now on nothing up to `lsn` can be taken back.
    pub fn settle(&self, lsn: Lsn) {
        self.settled.store(lsn.0, Ordering::SeqCst);
    }

    /// Refuses writes from now on, or (`None`) no longer.
    pub fn refuse(&self, refusal: Option<Refusal>) {
        self.state().refusal = refusal;
    }

    /// Refuses transactions that are known to be larger, from now on.
    pub fn limit(&self, bytes_max: usize) {
        self.state().bytes_max = Some(bytes_max);
    }

    /// Applies all effects to `store`, in their order.
    pub fn replay(&self, store: &dyn Store) {
        let state = self.state();
        let mut rest = state.encoded.as_slice();
        while !rest.is_empty() {
            store.apply(&decode(&mut rest));
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EffectLog for ManualLog {
    fn admit(&self, size: Size) -> Result<(), Refusal> {
        let state = self.state();
        let (Size::AtMost(bytes) | Size::Growing(bytes) | Size::Encoded(bytes)) = size else {
            return state.refusal.map_or(Ok(()), Err);
        };
        match state.bytes_max {
            Some(most) if bytes > most => Err(Refusal::TooLarge),
            _ => state.refusal.map_or(Ok(()), Err),
        }
    }

    fn encode(&self, effect: &Effect<'_>, out: &mut Vec<u8>) {
        match *effect {
            Effect::SetString {
                db,
                key,
                value,
                expires,
            } => {
                put(out, b'S', db, key);
                put_bytes(out, value_bytes(value, &mut itoa::Buffer::new()));
                put_time(out, expires);
            }
            Effect::AppendString { db, key, suffix } => {
                put(out, b'A', db, key);
                put_bytes(out, suffix);
            }
            Effect::SetExpiry { db, key, expires } => {
                put(out, b'E', db, key);
                put_time(out, expires);
            }
            Effect::PatchString {
                db,
                key,
                offset,
                bytes,
            } => {
                put(out, b'P', db, key);
                put_number(out, offset);
                put_bytes(out, bytes);
            }
            Effect::CopyKey {
                from_db,
                from,
                db,
                key,
            } => {
                put(out, b'C', from_db, from);
                put(out, b'C', db, key);
            }
            Effect::MoveKey {
                from_db,
                from,
                db,
                key,
            } => {
                put(out, b'M', from_db, from);
                put(out, b'M', db, key);
            }
            Effect::SwapDbs { one, other } => {
                put(out, b'X', one, b"");
                put(out, b'X', other, b"");
            }
            Effect::Delete { db, key } => put(out, b'D', db, key),
            Effect::SetCollection {
                db,
                key,
                kind,
                elements,
                expires,
            } => {
                let tag = match kind {
                    CollectionKind::List => b'1',
                    CollectionKind::Hash => b'2',
                    CollectionKind::Set => b'3',
                    CollectionKind::ZSet => b'4',
                };
                put(out, tag, db, key);
                put_elements(out, elements);
                put_time(out, expires);
            }
            Effect::ListPush {
                db,
                key,
                end,
                elements,
            } => {
                put(out, b'p', db, key);
                put_end(out, end);
                put_elements(out, elements);
            }
            Effect::ListPop {
                db,
                key,
                end,
                count,
            } => {
                put(out, b'o', db, key);
                put_end(out, end);
                put_number(out, count);
            }
            Effect::ListSet {
                db,
                key,
                index,
                element,
            } => {
                put(out, b's', db, key);
                put_number(out, index);
                put_bytes(out, element);
            }
            Effect::ListInsert {
                db,
                key,
                index,
                element,
            } => {
                put(out, b'i', db, key);
                put_number(out, index);
                put_bytes(out, element);
            }
            Effect::ListRemove {
                db,
                key,
                from,
                count,
                element,
            } => {
                put(out, b'r', db, key);
                put_end(out, from);
                put_number(out, count);
                put_bytes(out, element);
            }
            Effect::HashSet { db, key, fields } => {
                put(out, b'h', db, key);
                put_elements(out, fields);
            }
            Effect::HashDelete { db, key, fields } => {
                put(out, b'd', db, key);
                put_elements(out, fields);
            }
            Effect::SetAdd { db, key, members } => {
                put(out, b'm', db, key);
                put_elements(out, members);
            }
            Effect::SetRemove { db, key, members } => {
                put(out, b'n', db, key);
                put_elements(out, members);
            }
            Effect::HashExpire {
                db,
                key,
                expires,
                fields,
            } => {
                put(out, b'e', db, key);
                put_time(out, expires);
                put_elements(out, fields);
            }
            Effect::ZSetAdd { db, key, members } => {
                put(out, b'z', db, key);
                put_elements(out, members);
            }
            Effect::ZSetRemove { db, key, members } => {
                put(out, b'y', db, key);
                put_elements(out, members);
            }
            Effect::Stream { db, key, change } => {
                put(out, b'T', db, key);
                stream::put(out, &change);
            }
            Effect::FlushDb { db } => put(out, b'F', db, b""),
            Effect::FlushAll => put(out, b'*', Db::FIRST, b""),
            Effect::SetLibrary { name, code } => {
                let tag = code.map_or(b'l', |_| b'L');
                put(out, tag, Db::FIRST, name);
                put_bytes(out, code.unwrap_or_default());
            }
        }
    }

    fn append(&self, encoded: &[u8], count: u32) -> Lsn {
        let mut state = self.state();
        state.encoded.extend_from_slice(encoded);
        state.last += u64::from(count);
        Lsn(state.last)
    }

    fn last(&self) -> Lsn {
        Self::last(self)
    }

    fn settled(&self) -> Lsn {
        Lsn(self.settled.load(Ordering::SeqCst))
    }
}

/// The string form of `value`; an integer is written into `digits`.
pub(super) fn value_bytes<'a>(value: StringValue<'a>, digits: &'a mut itoa::Buffer) -> &'a [u8] {
    match value {
        StringValue::Int(number) => digits.format(number).as_bytes(),
        StringValue::Bytes(bytes) => bytes,
    }
}

fn put(out: &mut Vec<u8>, tag: u8, db: Db, key: &[u8]) {
    out.push(tag);
    out.extend_from_slice(&db.0.to_le_bytes());
    put_bytes(out, key);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn put_time(out: &mut Vec<u8>, time: Option<UnixMillis>) {
    out.push(u8::from(time.is_some()));
    out.extend_from_slice(&time.unwrap_or_default().0.to_le_bytes());
}

fn put_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_end(out: &mut Vec<u8>, end: ListEnd) {
    out.push(u8::from(end == ListEnd::Back));
}

fn put_elements(out: &mut Vec<u8>, elements: Elements<'_>) {
    let mut prefixed = Vec::new();
    for element in elements.iter() {
        let mut length = element.len() as u64;
        while length >= 0x80 {
            let [low, ..] = length.to_le_bytes();
            prefixed.push(low | 0x80);
            length >>= 7;
        }
        let [low, ..] = length.to_le_bytes();
        prefixed.push(low);
        prefixed.extend_from_slice(element);
    }
    put_number(out, elements.len() as u64);
    put_bytes(out, &prefixed);
}

fn decode<'a>(rest: &mut &'a [u8]) -> Effect<'a> {
    let [tag] = take(rest);
    let db = Db(u16::from_le_bytes(take(rest)));
    let key = take_bytes(rest);
    match tag {
        b'S' => Effect::SetString {
            db,
            key,
            value: StringValue::new(take_bytes(rest)),
            expires: take_time(rest),
        },
        b'A' => Effect::AppendString {
            db,
            key,
            suffix: take_bytes(rest),
        },
        b'E' => Effect::SetExpiry {
            db,
            key,
            expires: take_time(rest),
        },
        b'P' => Effect::PatchString {
            db,
            key,
            offset: u64::from_le_bytes(take(rest)),
            bytes: take_bytes(rest),
        },
        b'C' | b'M' | b'X' => {
            let [_] = take(rest);
            let other = Db(u16::from_le_bytes(take(rest)));
            decode_two(tag, (db, key), (other, take_bytes(rest)))
        }
        b'D' => Effect::Delete { db, key },
        b'1'..=b'4' => Effect::SetCollection {
            db,
            key,
            kind: match tag {
                b'1' => CollectionKind::List,
                b'2' => CollectionKind::Hash,
                b'3' => CollectionKind::Set,
                _ => CollectionKind::ZSet,
            },
            elements: take_elements(rest),
            expires: take_time(rest),
        },
        b'p' => Effect::ListPush {
            db,
            key,
            end: take_end(rest),
            elements: take_elements(rest),
        },
        b'o' => Effect::ListPop {
            db,
            key,
            end: take_end(rest),
            count: u64::from_le_bytes(take(rest)),
        },
        b's' => Effect::ListSet {
            db,
            key,
            index: u64::from_le_bytes(take(rest)),
            element: take_bytes(rest),
        },
        b'i' => Effect::ListInsert {
            db,
            key,
            index: u64::from_le_bytes(take(rest)),
            element: take_bytes(rest),
        },
        b'r' => Effect::ListRemove {
            db,
            key,
            from: take_end(rest),
            count: u64::from_le_bytes(take(rest)),
            element: take_bytes(rest),
        },
        b'h' => Effect::HashSet {
            db,
            key,
            fields: take_elements(rest),
        },
        b'd' => Effect::HashDelete {
            db,
            key,
            fields: take_elements(rest),
        },
        b'm' => Effect::SetAdd {
            db,
            key,
            members: take_elements(rest),
        },
        b'n' => Effect::SetRemove {
            db,
            key,
            members: take_elements(rest),
        },
        b'e' => Effect::HashExpire {
            db,
            key,
            expires: take_time(rest),
            fields: take_elements(rest),
        },
        b'z' => Effect::ZSetAdd {
            db,
            key,
            members: take_elements(rest),
        },
        b'y' => Effect::ZSetRemove {
            db,
            key,
            members: take_elements(rest),
        },
        b'T' => Effect::Stream {
            db,
            key,
            change: stream::take_change(rest),
        },
        b'F' => Effect::FlushDb { db },
        b'*' => Effect::FlushAll,
        b'L' | b'l' => Effect::SetLibrary {
            name: key,
            code: Some(take_bytes(rest)).filter(|_| tag == b'L'),
        },
        _ => panic!("a tag that was never written"),
    }
}

fn decode_two<'a>(
    tag: u8,
    (from_db, from): (Db, &'a [u8]),
    (db, key): (Db, &'a [u8]),
) -> Effect<'a> {
    match tag {
        b'C' => Effect::CopyKey {
            from_db,
            from,
            db,
            key,
        },
        b'M' => Effect::MoveKey {
            from_db,
            from,
            db,
            key,
        },
        _ => Effect::SwapDbs {
            one: from_db,
            other: db,
        },
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (taken, left) = rest.split_first_chunk().expect("a whole effect");
    *rest = left;
    *taken
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::try_from(u64::from_le_bytes(take(rest))).expect("a length of memory");
    let (taken, left) = rest.split_at(length);
    *rest = left;
    taken
}

fn take_end(rest: &mut &[u8]) -> ListEnd {
    match take(rest) {
        [0] => ListEnd::Front,
        [_] => ListEnd::Back,
    }
}

fn take_elements<'a>(rest: &mut &'a [u8]) -> Elements<'a> {
    let count = usize::try_from(u64::from_le_bytes(take(rest))).expect("a count of memory");
    Elements::of_prefixed(count, take_bytes(rest))
}

fn take_time(rest: &mut &[u8]) -> Option<UnixMillis> {
    let [there] = take(rest);
    let millis = i64::from_le_bytes(take(rest));
    (there == 1).then_some(UnixMillis(millis))
}
