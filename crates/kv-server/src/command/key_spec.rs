//! Where the keys of a command stand among its words, and what happens to them.
//!
//! Invariant: a handler touches no key that its spec does not find; the engine locks what is found here.

use kv_proto::RequestRef;

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
}

/// Where a range of keys ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// At this word.
    Word(usize),
    /// At the last word of the request.
    End,
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

    /// Every other word from `first` on: key, value, key, value.
    pub(crate) const fn pairs_from(first: usize, access: Access) -> Self {
        Self::Range {
            first,
            last: Last::End,
            step: 2,
            access,
        }
    }

    /// What may happen to the keys.
    pub(crate) const fn access(&self) -> Access {
        match *self {
            Self::None => Access::NONE,
            Self::Range { access, .. } | Self::Counted { access, .. } => access,
        }
    }

    /// The keys of `request`, in order. Words that are missing are left out.
    pub(crate) fn of<'r>(&self, request: RequestRef<'r>) -> KeysOf<'r> {
        let (first, end, step) = match *self {
            Self::None => (0, 0, 1),
            Self::Range {
                first,
                last: Last::Word(last),
                step,
                ..
            } => (first, last + 1, step),
            Self::Range {
                first,
                last: Last::End,
                step,
                ..
            } => (first, request.len(), step),
            Self::Counted { count_at, step, .. } => {
                let first = count_at + 1;
                let count = request.get(count_at).and_then(count).unwrap_or(0);
                (
                    first,
                    first.saturating_add(count.saturating_mul(step)),
                    step,
                )
            }
        };
        KeysOf {
            request,
            next: first,
            end: end.min(request.len()),
            step,
        }
    }
}

fn count(word: &[u8]) -> Option<usize> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The keys of one request.
#[derive(Clone)]
pub(crate) struct KeysOf<'r> {
    request: RequestRef<'r>,
    next: usize,
    end: usize,
    step: usize,
}

impl<'r> Iterator for KeysOf<'r> {
    type Item = &'r [u8];

    fn next(&mut self) -> Option<&'r [u8]> {
        if self.next >= self.end {
            return None;
        }
        let key = self.request.get(self.next);
        self.next += self.step;
        key
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end.saturating_sub(self.next).div_ceil(self.step);
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

    /// What is in one or the other.
    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in this.
    pub(crate) const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether a value may be changed.
    pub(crate) const fn is_write(self) -> bool {
        self.0 & (Self::UPDATE.0 | Self::INSERT.0 | Self::DELETE.0 | Self::BLIND.0) != 0
    }
}
