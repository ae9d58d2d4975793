//! The commands that histories are made of, as the wire and a reader see them.
//!
//! Not here: what a command does (`model`), and which one a client sends next (`draw`).
//!
//! Invariant: all keys of a command belong to one group, so that a group's history is whole.

use std::fmt;

use bytes::{Bytes, BytesMut};
use kv_proto::encode_command;

/// A key: its group, which is checked on its own, and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) group: usize,
    pub(crate) index: usize,
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "g{}:{}", self.group, self.index)
    }
}

/// When a `SET` sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Always,
    Absent,
    Present,
    /// The key holds this string.
    Equal(Bytes),
}

/// What a `SET` does about the time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifetime {
    Forever,
    Kept,
    /// Until this second since 1970.
    Until(i64),
}

/// One command on strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Get(Key),
    Strlen(Key),
    ExpireTime(Key),
    Exists(Vec<Key>),
    Mget(Vec<Key>),
    Set {
        key: Key,
        value: Bytes,
        condition: Condition,
        lifetime: Lifetime,
        /// Whether the reply is the string that was there before.
        get: bool,
    },
    Append(Key, Bytes),
    /// `INCR`, `DECR` and `INCRBY`, whichever says this shortest.
    Increment(Key, i64),
    /// The second is since 1970; one in the past deletes the key.
    ExpireAt(Key, i64),
    Persist(Key),
    Del(Vec<Key>),
    Mset(Vec<(Key, Bytes)>),
}

impl Command {
    /// A plain `SET`.
    pub(crate) fn set(key: Key, value: impl Into<Bytes>) -> Self {
        Self::Set {
            key,
            value: value.into(),
            condition: Condition::Always,
            lifetime: Lifetime::Forever,
            get: false,
        }
    }

    /// The group that all keys of this command belong to.
    pub(crate) fn group(&self) -> usize {
        match self {
            Self::Get(key)
            | Self::Strlen(key)
            | Self::ExpireTime(key)
            | Self::Set { key, .. }
            | Self::Append(key, _)
            | Self::Increment(key, _)
            | Self::ExpireAt(key, _)
            | Self::Persist(key) => key.group,
            Self::Exists(keys) | Self::Mget(keys) | Self::Del(keys) => first_group(keys.iter()),
            Self::Mset(pairs) => first_group(pairs.iter().map(|(key, _)| key)),
        }
    }

    /// Whether this command cannot change anything.
    pub(crate) fn is_read(&self) -> bool {
        matches!(
            self,
            Self::Get(_) | Self::Strlen(_) | Self::ExpireTime(_) | Self::Exists(_) | Self::Mget(_)
        )
    }

    /// Writes the request at the end of `out`.
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        encode_command(&self.arguments(), out);
    }

    fn arguments(&self) -> Vec<Bytes> {
        let with_keys = |name, keys: &[Key]| {
            let keys = keys.iter().map(ToString::to_string);
            words(name, &keys.collect::<Vec<_>>())
        };
        match self {
            Self::Get(key) => with_keys("GET", &[*key]),
            Self::Strlen(key) => with_keys("STRLEN", &[*key]),
            Self::ExpireTime(key) => with_keys("EXPIRETIME", &[*key]),
            Self::Persist(key) => with_keys("PERSIST", &[*key]),
            Self::Exists(keys) => with_keys("EXISTS", keys),
            Self::Mget(keys) => with_keys("MGET", keys),
            Self::Del(keys) => with_keys("DEL", keys),
            Self::Increment(key, 1) => with_keys("INCR", &[*key]),
            Self::Increment(key, -1) => with_keys("DECR", &[*key]),
            Self::Increment(key, by) => words("INCRBY", &[key.to_string(), by.to_string()]),
            Self::ExpireAt(key, at_s) => words("EXPIREAT", &[key.to_string(), at_s.to_string()]),
            Self::Append(key, value) => {
                let mut words = with_keys("APPEND", &[*key]);
                words.push(value.clone());
                words
            }
            Self::Mset(pairs) => {
                let pair = |(key, value): &(Key, Bytes)| [key.to_string().into(), value.clone()];
                let mut words = words("MSET", &[]);
                words.extend(pairs.iter().flat_map(pair));
                words
            }
            Self::Set { key, value, .. } => {
                let mut words = with_keys("SET", &[*key]);
                words.push(value.clone());
                words.extend(self.set_options());
                words
            }
        }
    }

    /// What stands behind the value of a `SET`.
    fn set_options(&self) -> Vec<Bytes> {
        let Self::Set {
            condition,
            lifetime,
            get,
            ..
        } = self
        else {
            return Vec::new();
        };
        let mut words = match condition {
            Condition::Always => Vec::new(),
            Condition::Absent => vec!["NX".into()],
            Condition::Present => vec!["XX".into()],
            Condition::Equal(value) => vec!["IFEQ".into(), value.clone()],
        };
        if *get {
            words.push("GET".into());
        }
        match lifetime {
            Lifetime::Forever => {}
            Lifetime::Kept => words.push("KEEPTTL".into()),
            Lifetime::Until(at_s) => words.extend(["EXAT".into(), at_s.to_string().into()]),
        }
        words
    }
}

impl fmt::Display for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, word) in self.arguments().iter().enumerate() {
            let blank = if place == 0 { "" } else { " " };
            write!(out, "{blank}{}", shown(word))?;
        }
        Ok(())
    }
}

/// The text of a string for a reader: the beginning and the size of a long one.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const BYTES_SHOWN_MAX: usize = 48;
    match bytes.get(..BYTES_SHOWN_MAX) {
        Some(start) => format!("{}...({} bytes)", start.escape_ascii(), bytes.len()),
        None => bytes.escape_ascii().to_string(),
    }
}

fn first_group<'a>(mut keys: impl Iterator<Item = &'a Key>) -> usize {
    keys.next().expect("a command has a key").group
}

fn words(name: &'static str, rest: &[String]) -> Vec<Bytes> {
    let rest = rest.iter().map(|word| Bytes::from(word.clone()));
    std::iter::once(name.into()).chain(rest).collect()
}
