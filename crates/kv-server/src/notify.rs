//! Keyspace notifications: which events of keys are published, as the knob `notify-keyspace-events` says.
//!
//! What the events are called stands in `command/event.rs`.

use std::fmt;

use kv_core::Classes;

use crate::command::event;

/// The letters of the knob, in the order in which it is shown.
pub(crate) const LETTERS: [(char, Classes); 14] = [
    ('g', event::GENERIC.union(Classes::FIELDS_EXPIRED)),
    ('$', event::STRING),
    ('l', event::LIST),
    ('s', event::SET_CLASS),
    ('h', event::HASH.union(Classes::FIELDS_EXPIRED)),
    ('z', event::SORTED_SET),
    ('x', Classes::EXPIRED),
    ('e', event::EVICTION),
    ('t', event::STREAM),
    ('d', event::MODULE),
    ('n', Classes::NEW),
    ('K', Classes::NONE),
    ('E', Classes::NONE),
    ('m', Classes::MISSED),
];

/// How many letters, from the first, `A` stands for.
const ALL_LETTERS: usize = 10;

const ALL: u64 = (1 << ALL_LETTERS) - 1;
const NEW: u64 = 1 << 10;
const KEYSPACE: u64 = 1 << 11;
const KEYEVENT: u64 = 1 << 12;

/// What is published: a letter is a bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NotifyFlags(u64);

impl NotifyFlags {
    /// From their number.
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Their number.
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// What the letters in `text` ask for; `None` when one of them means nothing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut bits = 0;
        for letter in text.chars() {
            bits |= match letter {
                'A' => ALL,
                _ => {
                    let place = LETTERS.iter().position(|(known, _)| *known == letter)?;
                    1 << place
                }
            };
        }
        Some(Self(bits))
    }

    /// Whether events are published to a channel for each key.
    pub(crate) const fn by_key(self) -> bool {
        self.0 & KEYSPACE != 0
    }

    /// Whether events are published to a channel for each event.
    pub(crate) const fn by_event(self) -> bool {
        self.0 & KEYEVENT != 0
    }

    /// The classes of events that are published at all.
    pub(crate) fn classes(self) -> Classes {
        if !self.by_key() && !self.by_event() {
            return Classes::NONE;
        }
        let chosen = LETTERS
            .iter()
            .enumerate()
            .filter(|(place, _)| self.0 & (1 << place) != 0);
        chosen.fold(Classes::NONE, |classes, (_, (_, class))| {
            classes.union(*class)
        })
    }
}

/// As Redis shows them: `A` for all it stands for, and then `n` is not shown.
impl fmt::Display for NotifyFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = if self.0 & ALL == ALL {
            f.write_str("A")?;
            ALL | NEW
        } else {
            0
        };
        for (place, (letter, _)) in LETTERS.iter().enumerate() {
            if (self.0 & !hidden) & (1 << place) != 0 {
                write!(f, "{letter}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_shown_in_one_order() {
        for (text, shown) in [
            ("", ""),
            ("KEA", "AKE"),
            ("AKEmn", "AKEm"),
            ("mnKE", "nKEm"),
            ("tehszl$gxdEK", "AKE"),
            ("tehszl$gxEK", "g$lshzxetKE"),
            ("KgK", "gK"),
        ] {
            let flags = NotifyFlags::parse(text).map(|flags| flags.to_string());
            assert_eq!(flags.as_deref(), Some(shown), "{text}");
        }
        for text in ["Kq", "K g", "a"] {
            assert_eq!(NotifyFlags::parse(text), None, "{text}");
        }
    }

    #[test]
    fn without_a_channel_nothing_is_published() {
        let classes = |text| NotifyFlags::parse(text).unwrap().classes();
        assert_eq!(classes("Am"), Classes::NONE);
        assert!(classes("Kx").contains(Classes::EXPIRED));
        assert!(!classes("Kx").contains(Classes::NEW));
        assert!(classes("EmA").contains(Classes::MISSED.union(event::SORTED_SET)));
    }
}
