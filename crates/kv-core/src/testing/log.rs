//! A log in memory: remembers effects, and settles when it is told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::{Db, Effect, EffectLog, Lsn, Refusal, Store, StringValue, UnixMillis};

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
    fn admit(&self) -> Result<(), Refusal> {
        self.state().refusal.map_or(Ok(()), Err)
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
            Effect::Delete { db, key } => put(out, b'D', db, key),
            Effect::FlushDb { db } => put(out, b'F', db, b""),
            Effect::FlushAll => put(out, b'*', Db::FIRST, b""),
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
        b'D' => Effect::Delete { db, key },
        b'F' => Effect::FlushDb { db },
        b'*' => Effect::FlushAll,
        _ => panic!("a tag that was never written"),
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

fn take_time(rest: &mut &[u8]) -> Option<UnixMillis> {
    let [there] = take(rest);
    let millis = i64::from_le_bytes(take(rest));
    (there == 1).then_some(UnixMillis(millis))
}
