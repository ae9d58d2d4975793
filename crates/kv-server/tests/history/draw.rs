//! Draws the commands of one client.
//!
//! Strings are unique, so that a reply says which write it saw; some are long, so that the log needs
//! more than one segment. Some keys are counters, where the commands that count make sense.

use std::collections::BTreeMap;

use bytes::Bytes;
use kv_proto::Value;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::command::{Command, Condition, Key, Lifetime};
use super::operation::Operation;

/// How many keys each group has.
pub(crate) const GROUPS: [usize; 3] = [1, 2, 3];

/// Times far in the future begin here, in seconds since 1970.
const FAR_S: i64 = 4_000_000_000;

/// Bytes of a long string.
const LONG_BYTES: std::ops::Range<usize> = 2_000..12_000;

/// One client's source of commands.
pub(crate) struct Draw {
    rng: StdRng,
    client: usize,
    /// Makes strings and times unique within the client.
    drawn: u32,
    /// What the client last read, by group and place: a good guess of what is there.
    last_read: BTreeMap<(usize, usize), Bytes>,
    ifeq: bool,
}

impl Draw {
    /// A source whose strings no other client's source repeats; `ifeq` lets `SET` use that option.
    pub(crate) fn new(seed: u64, client: usize, ifeq: bool) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            client,
            drawn: 0,
            last_read: BTreeMap::new(),
            ifeq,
        }
    }

    /// How many commands to send together.
    pub(crate) fn batch_size(&mut self) -> usize {
        if self.rng.random_bool(0.7) {
            1
        } else {
            self.rng.random_range(2..=4)
        }
    }

    /// The next command.
    pub(crate) fn command(&mut self) -> Command {
        self.drawn += 1;
        let key = self.key();
        match self.rng.random_range(0..100) {
            0..20 => Command::Get(key),
            20..23 => Command::Strlen(key),
            23..28 => Command::ExpireTime(key),
            28..31 => Command::Exists(self.keys(key)),
            31..41 => Command::Mget(self.keys(key)),
            41..62 => self.set(key),
            62..78 => self.change(key),
            78..83 => Command::ExpireAt(key, self.expiry_s()),
            83..86 => Command::Persist(key),
            86..91 => Command::Del(self.keys(key)),
            _ => self.mset(key),
        }
    }

    /// Takes note of what was seen, for commands that depend on what is there.
    pub(crate) fn note(&mut self, seen: &Operation) {
        if let (Command::Get(key), Some(Value::Bulk(value))) = (&seen.command, &seen.reply) {
            let place = (key.group, key.index);
            self.last_read.insert(place, value.clone());
        }
    }

    fn key(&mut self) -> Key {
        let group = self.rng.random_range(0..GROUPS.len());
        let index = self.rng.random_range(0..GROUPS[group]);
        Key { group, index }
    }

    /// Some keys of the group of `key`, each once; `key` if it were none.
    fn keys(&mut self, key: Key) -> Vec<Key> {
        let group = key.group;
        let all = (0..GROUPS[group]).map(|index| Key { group, index });
        let some: Vec<Key> = all.filter(|_| self.rng.random_bool(0.6)).collect();
        if some.is_empty() { vec![key] } else { some }
    }

    fn set(&mut self, key: Key) -> Command {
        let condition = match self.rng.random_range(0..10) {
            0..6 => Condition::Always,
            6 => Condition::Absent,
            7 => Condition::Present,
            _ => match self.last_read.get(&(key.group, key.index)) {
                Some(value) if self.ifeq => Condition::Equal(value.clone()),
                _ => Condition::Always,
            },
        };
        let lifetime = match self.rng.random_range(0..10) {
            0..7 => Lifetime::Forever,
            7..9 => Lifetime::Kept,
            _ => Lifetime::Until(self.far_s()),
        };
        Command::Set {
            key,
            value: self.value(key),
            condition,
            lifetime,
            get: self.rng.random_bool(0.3),
        }
    }

    /// A command whose effect depends on what is there.
    fn change(&mut self, key: Key) -> Command {
        let wrong_kind = self.rng.random_bool(0.05);
        if is_counter(key) == wrong_kind {
            return Command::Append(key, self.value(key));
        }
        let by = match self.rng.random_range(0..4) {
            0 => -1,
            1 => self.rng.random_range(-1000..1000),
            _ => 1,
        };
        Command::Increment(key, by)
    }

    fn mset(&mut self, key: Key) -> Command {
        let keys = self.keys(key);
        let pair = |key| (key, self.value(key));
        Command::Mset(keys.into_iter().map(pair).collect())
    }

    fn value(&mut self, key: Key) -> Bytes {
        let Self { client, drawn, .. } = *self;
        if is_counter(key) {
            return format!("{}", client * 100_000_000 + drawn as usize * 10_000).into();
        }
        let mut value = format!("<{client}.{drawn}.{}>", key.index);
        if self.rng.random_bool(0.08) {
            let bytes = self.rng.random_range(LONG_BYTES);
            value.push_str(&"-".repeat(bytes));
        }
        value.into()
    }

    fn expiry_s(&mut self) -> i64 {
        if self.rng.random_bool(0.2) {
            1
        } else {
            self.far_s()
        }
    }

    fn far_s(&self) -> i64 {
        let client = i64::try_from(self.client).expect("a small number");
        FAR_S + client * 100_000 + i64::from(self.drawn)
    }
}

fn is_counter(key: Key) -> bool {
    (key.group + key.index).is_multiple_of(3)
}
