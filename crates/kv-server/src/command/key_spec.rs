//! Where the keys of a command stand among its words, and what happens to them.
//!
//! Invariant: a handler touches no key that its spec does not find; the engine locks what is found here.

use kv_proto::RequestRef;

use super::args;

/// Which words of a command are keys. Words are counted from the command's name, which is word 0.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keys {
    /// None.
    None,
    /// Every `step`-th word from `first` to `last`.
    Range {
        first: usize,
        last: Last,
        step: usize,
        access: Access,
    },
    /// As many as word `count_at` says, right behind it, `step` words each.
    Counted {
        count_at: usize,
        step: usize,
        access: Access,
    },
    /// The one behind the last of these words, looked for from word `from` on: two words at a time where the first
    /// is one of them, as options with a value are read.
    Behind {
        words: &'static [&'static str],
        from: usize,
        access: Access,
    },
    /// The first half of the words behind this one, which is looked for from word `from` on.
    HalfBehind {
        word: &'static str,
        from: usize,
        access: Access,
    },
    /// The word at a place that depends on the other words.
    Found {
        /// The place, if there is such a key.
        place: fn(RequestRef<'_>) -> Option<usize>,
        access: Access,
    },
    /// Keys that no word names: their names are made from what other keys hold.
    Hidden {
        /// Whether there are such keys.
        are_there: fn(RequestRef<'_>) -> bool,
        access: Access,
    },
    /// What each of these finds, one after the other; none of them is of this kind itself.
    Each(&'static [Keys]),
}

/// Where a range of keys ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// At this word.
    Word(usize),
    /// At the last word of the request.
    End,
    /// At the last word but one.
    BeforeEnd,
}

impl Keys {
    /// One key, at word `place`.
    pub(crate) const fn one(place: usize, access: Access) -> Self {
        Self::Range {
            first: place,
            last: Last::Word(place),
            step: 1,
            access,
        }
    }

    /// Every word from `first` on.
    pub(crate) const fn from(first: usize, access: Access) -> Self {
        Self::Range {
            first,
            last: Last::End,
            step: 1,
            access,
        }
    }

    /// Every word from `first` on but the last one.
    pub(crate) const fn before_last(first: usize, access: Access) -> Self {
        Self::Range {
            first,
            last: Last::BeforeEnd,
            step: 1,
            access,
        }
    }

    /// Every other word from `first` on: key, value, key, value.
    pub(crate) const fn pairs_from(first: usize, access: Access) -> Self {
        Self::Range {
            first,
            last: Last::End,
            step: 2,
            access,
        }
    }

    /// What may happen to the keys, to one or another of them.
    pub(crate) fn access(&self) -> Access {
        match *self {
            Self::None => Access::NONE,
            Self::Range { access, .. }
            | Self::Counted { access, .. }
            | Self::Behind { access, .. }
            | Self::HalfBehind { access, .. }
            | Self::Found { access, .. }
            | Self::Hidden { access, .. } => access,
            Self::Each(parts) => parts
                .iter()
                .fold(Access::NONE, |access, part| access.union(part.access())),
        }
    }

    /// The kinds of keys, each treated in its own way.
    pub(crate) const fn parts(&self) -> &[Self] {
        match *self {
            Self::None => &[],
            Self::Range { .. }
            | Self::Counted { .. }
            | Self::Behind { .. }
            | Self::HalfBehind { .. }
            | Self::Found { .. }
            | Self::Hidden { .. } => std::slice::from_ref(self),
            Self::Each(parts) => parts,
        }
    }

    /// The place of the one key that every request has, for commands whose keys are no more than that: a shorter
    /// way for most requests.
    #[inline]
    pub(crate) fn only_place(&self) -> Option<usize> {
        match *self {
            Self::Range {
                first,
                last: Last::Word(last),
                ..
            } if first == last => Some(first),
            _ => None,
        }
    }

    /// Whether `request` touches keys that none of its words names: any key may be one of them.
    pub(crate) fn are_hidden(&self, request: RequestRef<'_>) -> bool {
        self.parts().iter().any(|part| match part {
            Self::Hidden { are_there, .. } => are_there(request),
            _ => false,
        })
    }

    /// The keys of `request`, in order. Words that are missing are left out; where a count does not fit the
    /// words behind it, there are no keys.
    pub(crate) fn of<'r>(&self, request: RequestRef<'r>) -> KeysOf<'r> {
        let words = request.len();
        let (first, end, step) = match *self {
            Self::None | Self::Hidden { .. } => (0, 0, 1),
            Self::Found { place, .. } => match place(request) {
                Some(place) => (place, words.min(place + 1), 1),
                None => (0, 0, 1),
            },
            Self::Each(parts) => {
                return KeysOf {
                    request,
                    next: 0,
                    end: 0,
                    step: 1,
                    further: parts,
                };
            }
            Self::Range {
                first, last, step, ..
            } => match last {
                Last::Word(last) => (first, words.min(last + 1), step),
                Last::End => (first, words, step),
                Last::BeforeEnd => (first, words.saturating_sub(1), step),
            },
            Self::Behind {
                words: options,
                from,
                ..
            } => {
                let place = behind(request, options, from);
                (
                    place.unwrap_or(words),
                    place.map_or(0, |place| place + 1),
                    1,
                )
            }
            Self::HalfBehind { word, from, .. } => {
                let is_it =
                    |place: &usize| request.arg(*place).eq_ignore_ascii_case(word.as_bytes());
                let first = (from..words).find(is_it).map_or(words, |place| place + 1);
                let half = (words - first.min(words)) / 2;
                let end = if (words - first).is_multiple_of(2) {
                    first + half
                } else {
                    first
                };
                (first, end, 1)
            }
            Self::Counted { count_at, step, .. } => {
                let first = count_at + 1;
                let end = counted(request, count_at).and_then(|count| {
                    let end = count.checked_mul(step)?.checked_add(first)?;
                    (end <= words).then_some(end)
                });
                (first, end.unwrap_or(first), step)
            }
        };
        KeysOf {
            request,
            next: first,
            end,
            step,
            further: &[],
        }
    }
}

fn counted(request: RequestRef<'_>, count_at: usize) -> Option<usize> {
    let count = args::integer(request.get(count_at)?).ok()?;
    usize::try_from(count).ok()
}

/// The place behind the last of `options`.
fn behind(request: RequestRef<'_>, options: &[&str], from: usize) -> Option<usize> {
    let mut found = None;
    let mut place = from;
    while place + 1 < request.len() {
        let word = request.arg(place);
        let is_option = |option: &&str| word.eq_ignore_ascii_case(option.as_bytes());
        if options.iter().any(is_option) {
            place += 1;
            found = Some(place);
        }
        place += 1;
    }
    found
}

/// The keys of one request.
#[derive(Clone)]
pub(crate) struct KeysOf<'r> {
    request: RequestRef<'r>,
    next: usize,
    end: usize,
    step: usize,
    /// Where to look for keys after these.
    further: &'static [Keys],
}

impl<'r> Iterator for KeysOf<'r> {
    type Item = &'r [u8];

    fn next(&mut self) -> Option<&'r [u8]> {
        while self.next >= self.end {
            let (part, further) = self.further.split_first()?;
            *self = Self {
                further,
                ..part.of(self.request)
            };
        }
        let key = self.request.get(self.next);
        self.next += self.step;
        key
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let further = self.further.iter();
        let further: usize = further.map(|part| part.of(self.request).len()).sum();
        let left = self.end.saturating_sub(self.next).div_ceil(self.step) + further;
        (left, Some(left))
    }
}

impl ExactSizeIterator for KeysOf<'_> {}

/// What may happen to the value of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access(u8);

impl Access {
    /// Nothing but what every look at a key shows: whether it is there, its kind, its size.
    pub(crate) const NONE: Self = Self(0);
    /// The content, or the time it goes, is shown.
    pub(crate) const READ: Self = Self(1 << 0);
    /// The content, or the time it goes, may change.
    pub(crate) const UPDATE: Self = Self(1 << 1);
    /// Content may be added; what is there stays.
    pub(crate) const INSERT: Self = Self(1 << 2);
    /// Content may be removed.
    pub(crate) const DELETE: Self = Self(1 << 3);
    /// What was there does not matter to the outcome.
    pub(crate) const BLIND: Self = Self(1 << 4);
    /// Which of these happen depends on the options.
    pub(crate) const BY_OPTION: Self = Self(1 << 5);
    /// The key goes as a whole, whatever it holds.
    pub(crate) const WHOLE: Self = Self(1 << 6);

    /// What is in one or the other.
    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in this.
    pub(crate) const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of it changes the key.
    pub(crate) const fn changes(self) -> bool {
        self.0 & (Self::UPDATE.0 | Self::INSERT.0 | Self::DELETE.0) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::with_request;

    fn keys_in(keys: &Keys, line: &str) -> Vec<String> {
        let words: Vec<_> = line.split(' ').map(str::as_bytes).collect();
        with_request(&words, |request| {
            let found = keys.of(request);
            let count = found.len();
            let found: Vec<_> = found
                .map(|key| String::from_utf8_lossy(key).into_owned())
                .collect();
            assert_eq!(found.len(), count, "{line}");
            found
        })
    }

    #[test]
    fn ranges_end_with_the_words() {
        let one = Keys::one(1, Access::NONE);
        assert_eq!(keys_in(&one, "GET a b"), ["a"]);
        assert!(keys_in(&one, "GET").is_empty());
        let all = Keys::from(1, Access::NONE);
        assert_eq!(keys_in(&all, "DEL a b a"), ["a", "b", "a"]);
        assert!(keys_in(&all, "DEL").is_empty());
        let pairs = Keys::pairs_from(1, Access::NONE);
        assert_eq!(keys_in(&pairs, "MSET a 1 b 2"), ["a", "b"]);
        assert_eq!(keys_in(&pairs, "MSET a 1 b"), ["a", "b"]);
        assert!(keys_in(&Keys::None, "PING a").is_empty());
    }

    #[test]
    fn keys_of_several_kinds_come_one_after_the_other() {
        const KEYS: Keys = Keys::Each(&[
            Keys::one(1, Access::UPDATE),
            Keys::Counted {
                count_at: 2,
                step: 1,
                access: Access::READ,
            },
        ]);
        assert_eq!(keys_in(&KEYS, "X to 2 a b c"), ["to", "a", "b"]);
        assert_eq!(keys_in(&KEYS, "X to 9 a b c"), ["to"]);
        assert!(keys_in(&KEYS, "X").is_empty());
        assert_eq!(KEYS.access(), Access::UPDATE.union(Access::READ));
    }

    #[test]
    fn a_key_behind_a_word_is_the_last_one() {
        let behind = Keys::Behind {
            words: &["STORE", "STOREDIST"],
            from: 2,
            access: Access::UPDATE,
        };
        for (line, key) in [
            ("X a store b", "b"),
            ("X a STORE b STOREDIST c ASC", "c"),
            ("X a STOREDIST STORE STORE b", "b"),
            ("X a STORE store", "store"),
            ("X store b STORE c STORE", "c"),
        ] {
            assert_eq!(keys_in(&behind, line), [key], "{line}");
        }
        for line in ["X", "X STORE a", "X a STORE", "X a ASC"] {
            assert!(keys_in(&behind, line).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_count_that_cannot_be_finds_nothing() {
        let counted = Keys::Counted {
            count_at: 1,
            step: 2,
            access: Access::NONE,
        };
        assert_eq!(keys_in(&counted, "MSETEX 2 a 1 b 2 NX"), ["a", "b"]);
        for line in [
            "MSETEX",
            "MSETEX 0 a 1",
            "MSETEX x a 1",
            "MSETEX -1 a 1",
            "MSETEX 2 a 1 b",
            "MSETEX 9223372036854775807 a 1",
        ] {
            assert!(keys_in(&counted, line).is_empty(), "{line}");
        }
    }
}
