//! What the commands do, one at a time: the truth that histories are held against.
//!
//! Not here: time. Lifetimes end far in the future or have ended, so nothing expires by itself.

use std::fmt;

use bytes::Bytes;
use kv_proto::Value;

use super::command::{Command, Condition, Key, Lifetime, shown};

/// Seconds since 1970 that certainly lie behind us when they are smaller than this.
const PAST_S_MAX: i64 = 1_000_000_000;

/// What one key holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    value: Bytes,
    expires_at_s: Option<i64>,
}

/// What the keys of one group hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct State {
    entries: Vec<Option<Entry>>,
}

impl State {
    /// A group of this many keys, none of which exists.
    pub(crate) fn empty(keys: usize) -> Self {
        Self {
            entries: vec![None; keys],
        }
    }

    /// Runs `command`; returns its reply.
    ///
    /// # Panics
    ///
    /// A key lies outside the group.
    pub(crate) fn apply(&mut self, command: &Command) -> Value {
        match command {
            Command::Get(key) => self.text(*key),
            Command::Strlen(key) => length(self.value(*key).map_or(0, Bytes::len)),
            Command::ExpireTime(key) => Value::Integer(match self.entry(*key) {
                None => -2,
                Some(entry) => entry.expires_at_s.unwrap_or(-1),
            }),
            Command::Exists(keys) => length(
                keys.iter()
                    .filter(|key| self.entry(**key).is_some())
                    .count(),
            ),
            Command::Mget(keys) => Value::Array(keys.iter().map(|key| self.text(*key)).collect()),
            Command::Set { .. } => self.set(command),
            Command::Append(key, suffix) => self.append(*key, suffix),
            Command::Increment(key, by) => self.increment(*key, *by),
            Command::ExpireAt(key, at_s) => self.expire_at(*key, *at_s),
            Command::Persist(key) => {
                let entry = self.slot(*key).as_mut();
                let ended = entry.and_then(|entry| entry.expires_at_s.take());
                Value::Integer(ended.is_some().into())
            }
            Command::Del(keys) => {
                length(keys.iter().filter_map(|key| self.slot(*key).take()).count())
            }
            Command::Mset(pairs) => {
                for (key, value) in pairs {
                    self.store(*key, value.clone(), None);
                }
                ok()
            }
        }
    }

    fn set(&mut self, command: &Command) -> Value {
        let Command::Set {
            key,
            value,
            condition,
            lifetime,
            get,
        } = command
        else {
            unreachable!("the caller has matched a SET");
        };
        let before = self.entry(*key);
        let sets = match condition {
            Condition::Always => true,
            Condition::Absent => before.is_none(),
            Condition::Present => before.is_some(),
            Condition::Equal(expected) => before.is_some_and(|entry| entry.value == expected),
        };
        let expires_at_s = match lifetime {
            Lifetime::Forever => None,
            Lifetime::Kept => before.and_then(|entry| entry.expires_at_s),
            Lifetime::Until(at_s) => Some(*at_s),
        };
        let reply = match (get, sets) {
            (true, _) => self.text(*key),
            (false, true) => ok(),
            (false, false) => Value::Null,
        };
        if sets {
            self.store(*key, value.clone(), expires_at_s);
        }
        reply
    }

    fn append(&mut self, key: Key, suffix: &Bytes) -> Value {
        let value = match self.value(key) {
            None => suffix.clone(),
            Some(value) => [value.as_ref(), suffix].concat().into(),
        };
        let bytes = value.len();
        self.replace(key, value);
        length(bytes)
    }

    fn increment(&mut self, key: Key, by: i64) -> Value {
        let before = self.value(key).map_or(Some(0), |value| integer(value));
        let Some(before) = before else {
            return Value::Error("ERR value is not an integer or out of range".into());
        };
        let Some(after) = before.checked_add(by) else {
            return Value::Error("ERR increment or decrement would overflow".into());
        };
        self.replace(key, after.to_string().into());
        Value::Integer(after)
    }

    fn expire_at(&mut self, key: Key, at_s: i64) -> Value {
        let slot = self.slot(key);
        let Some(entry) = slot else {
            return Value::Integer(0);
        };
        if at_s < PAST_S_MAX {
            *slot = None;
        } else {
            entry.expires_at_s = Some(at_s);
        }
        Value::Integer(1)
    }

    fn entry(&self, key: Key) -> Option<&Entry> {
        self.entries[key.index].as_ref()
    }

    fn slot(&mut self, key: Key) -> &mut Option<Entry> {
        &mut self.entries[key.index]
    }

    fn value(&self, key: Key) -> Option<&Bytes> {
        self.entry(key).map(|entry| &entry.value)
    }

    fn text(&self, key: Key) -> Value {
        self.value(key).cloned().map_or(Value::Null, Value::Bulk)
    }

    fn store(&mut self, key: Key, value: Bytes, expires_at_s: Option<i64>) {
        *self.slot(key) = Some(Entry {
            value,
            expires_at_s,
        });
    }

    /// Changes the string and keeps the lifetime.
    fn replace(&mut self, key: Key, value: Bytes) {
        let expires_at_s = self.entry(key).and_then(|entry| entry.expires_at_s);
        self.store(key, value, expires_at_s);
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.entries.iter().enumerate() {
            let blank = if index == 0 { "" } else { ", " };
            match entry {
                None => write!(out, "{blank}:{index} absent")?,
                Some(entry) => write!(out, "{blank}:{index} = {}", shown(&entry.value))?,
            }
            if let Some(at_s) = entry.as_ref().and_then(|entry| entry.expires_at_s) {
                write!(out, " until {at_s}")?;
            }
        }
        Ok(())
    }
}

/// The number that `bytes` spell, if they spell it the one canonical way.
fn integer(bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(bytes).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn length(count: usize) -> Value {
    Value::Integer(i64::try_from(count).expect("a count of keys or bytes in memory"))
}

fn ok() -> Value {
    Value::Simple("OK".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key { group: 0, index: 0 };
    const FAR_S: i64 = 4_000_000_000;

    fn bulk(text: &'static str) -> Value {
        Value::Bulk(text.into())
    }

    fn set(value: &'static str, condition: Condition, lifetime: Lifetime, get: bool) -> Command {
        Command::Set {
            key: KEY,
            value: value.into(),
            condition,
            lifetime,
            get,
        }
    }

    /// Valkey 9.1 gave these answers to the same session.
    #[test]
    fn a_session_gets_the_replies_that_valkey_gives() {
        use Condition::{Absent, Always, Equal, Present};
        use Lifetime::{Forever, Kept, Until};
        let other = Key { group: 0, index: 1 };
        let session = [
            (Command::Get(KEY), Value::Null),
            (Command::ExpireTime(KEY), Value::Integer(-2)),
            (set("a", Present, Forever, false), Value::Null),
            (set("a", Absent, Until(FAR_S), true), Value::Null),
            (set("b", Absent, Forever, true), bulk("a")),
            (Command::ExpireTime(KEY), Value::Integer(FAR_S)),
            (set("b", Equal("x".into()), Forever, false), Value::Null),
            (set("b", Equal("a".into()), Kept, false), ok()),
            (Command::Append(KEY, "cd".into()), Value::Integer(3)),
            (Command::Strlen(KEY), Value::Integer(3)),
            (Command::ExpireTime(KEY), Value::Integer(FAR_S)),
            (
                Command::Increment(KEY, 1),
                Value::Error("ERR value is not an integer or out of range".into()),
            ),
            (Command::Persist(KEY), Value::Integer(1)),
            (Command::Persist(KEY), Value::Integer(0)),
            (Command::ExpireTime(KEY), Value::Integer(-1)),
            (Command::Increment(other, -5), Value::Integer(-5)),
            (
                Command::Mget(vec![KEY, other]),
                Value::Array(vec![bulk("bcd"), bulk("-5")]),
            ),
            (Command::ExpireAt(other, FAR_S), Value::Integer(1)),
            (Command::Exists(vec![KEY, other]), Value::Integer(2)),
            (Command::ExpireAt(KEY, 1), Value::Integer(1)),
            (Command::ExpireAt(KEY, 1), Value::Integer(0)),
            (Command::Mset(vec![(other, "z".into())]), ok()),
            (Command::ExpireTime(other), Value::Integer(-1)),
            (set("y", Always, Forever, true), Value::Null),
            (Command::Del(vec![KEY, other]), Value::Integer(2)),
            (Command::Exists(vec![KEY, other]), Value::Integer(0)),
        ];
        let mut state = State::empty(2);
        for (command, reply) in session {
            assert_eq!(state.apply(&command), reply, "{command}");
        }
    }
}
