//! The names of entries: when each was made, and its number within that millisecond.

use crate::Elements;

/// How many bytes an ID takes where effects carry it.
const BYTES: usize = 16;

/// The ID of an entry of a stream. IDs are ordered by their time, then by their number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Milliseconds since 1970, as whoever added the entry said.
    pub ms: u64,
    /// The number within that millisecond.
    pub seq: u64,
}

impl StreamId {
    /// The lowest one, which no entry has.
    pub const MIN: Self = Self::new(0, 0);
    /// The highest one.
    pub const MAX: Self = Self::new(u64::MAX, u64::MAX);

    /// This one.
    #[must_use]
    pub const fn new(ms: u64, seq: u64) -> Self {
        Self { ms, seq }
    }

    /// The next higher one; `None`: this is the highest.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Self::new(self.ms, seq)),
            None => Some(Self::new(self.ms.checked_add(1)?, 0)),
        }
    }

    /// The next lower one; `None`: this is the lowest.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Self::new(self.ms, seq)),
            None => Some(Self::new(self.ms.checked_sub(1)?, u64::MAX)),
        }
    }

    /// As effects carry it: both numbers, the highest byte first.
    #[must_use]
    pub fn to_bytes(self) -> [u8; BYTES] {
        ((u128::from(self.ms) << 64) | u128::from(self.seq)).to_be_bytes()
    }

    /// The opposite of [`StreamId::to_bytes`]; `None` when these are not so many bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (ms, seq) = bytes.split_at_checked(BYTES / 2)?;
        Some(Self::new(
            u64::from_be_bytes(ms.try_into().ok()?),
            u64::from_be_bytes(seq.try_into().ok()?),
        ))
    }

    /// The ID whose text this is: both numbers in decimal, a dash between them.
    #[must_use]
    pub fn of_text(text: &[u8]) -> Option<Self> {
        let (ms, seq) = std::str::from_utf8(text).ok()?.split_once('-')?;
        let id = Self::new(ms.parse().ok()?, seq.parse().ok()?);
        // No sign and no leading zero: one text for each.
        (id.to_string().as_bytes() == text).then_some(id)
    }
}

impl std::fmt::Display for StreamId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl<'a> Elements<'a> {
    /// Each ID, as far as these are IDs.
    pub fn ids(&self) -> impl Iterator<Item = StreamId> + use<'a> {
        self.iter().filter_map(StreamId::of_bytes)
    }

    /// Whether each of these is an ID.
    #[must_use]
    pub fn are_ids(&self) -> bool {
        self.ids().count() == self.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_each_other_and_come_back() {
        for (id, next) in [
            (StreamId::MIN, StreamId::new(0, 1)),
            (StreamId::new(5, u64::MAX), StreamId::new(6, 0)),
            (StreamId::new(7, 8), StreamId::new(7, 9)),
        ] {
            assert_eq!(id.next(), Some(next));
            assert_eq!(next.previous(), Some(id));
            assert_eq!(StreamId::of_bytes(&next.to_bytes()), Some(next));
            assert_eq!(StreamId::of_text(next.to_string().as_bytes()), Some(next));
            assert!(id.to_bytes() < next.to_bytes());
        }
        assert_eq!(StreamId::MAX.next(), None);
        assert_eq!(StreamId::MIN.previous(), None);
        for wrong in [
            "1",
            "1-",
            "-1",
            "01-1",
            "1-+1",
            "1-18446744073709551616",
            "1-1-1",
        ] {
            assert_eq!(StreamId::of_text(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
