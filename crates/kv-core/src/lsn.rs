//! The log sequence number: the place of one effect in the order of all effects of a database.

/// The number of one effect in the log: strictly increasing from 1; [`Lsn::ZERO`] stands for "none yet".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl Lsn {
    /// Before the first effect: what a reply depends on when it depends on nothing undecided.
    pub const ZERO: Self = Self(0);

    /// The number `count` effects further on.
    ///
    /// # Panics
    ///
    /// When the sum passes 2^64 - 1, which no machine reaches.
    #[must_use]
    pub const fn advanced_by(self, count: u64) -> Self {
        Self(self.0 + count)
    }
}

impl std::fmt::Display for Lsn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
