//! The store's side of a log: what a store needs from whatever keeps its effects.

use crate::{Effect, Lsn, StoreError};

/// Why a write may not begin now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The log failed for good: the outcome of what was under way is unknown, nothing is accepted again.
    Failed,
    /// There is no room on disk; writes are accepted again by themselves when there is.
    DiskFull,
    /// More is waiting to be written than the log lets pile up: wait until it has caught up, try again.
    Behind,
    /// The transaction is larger than the log takes as one unit: it will never be accepted.
    TooLarge,
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Failed => Self::LogFailed,
            Refusal::DiskFull => Self::DiskFull,
            Refusal::Behind => Self::LogBehind,
            Refusal::TooLarge => Self::TransactionTooLarge,
        }
    }
}

/// What is known of the size of a transaction before it changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Nothing: as good as all are small.
    Unknown,
    /// Its keys and values, and what goes with them, are this many bytes or fewer before they are encoded.
    AtMost(usize),
    /// Its keys and values are about this many bytes, or more: nobody knows before it has run. What turns out to be
    /// more than the log takes is taken back whole. For that, a key's first change costs one more look at it.
    Growing(usize),
    /// What is known of it so far is this many bytes when it is encoded.
    Encoded(usize),
}

/// Takes the effects of each transaction, in the order in which they took place.
pub trait EffectLog: Send + Sync + 'static {
    /// May a write of this size begin? Asked before the transaction touches memory, and again, with
    /// [`Size::Encoded`], when its first change turns out to be large, or all of one that was
    /// [`Size::Growing`]; [`Refusal::Behind`] is no answer then.
    ///
    /// An implementation must not block, and after `Ok` must accept the next [`EffectLog::append`], if it is not
    /// larger than was said.
    ///
    /// # Errors
    ///
    /// The [`Refusal`] that holds now.
    fn admit(&self, size: Size) -> Result<(), Refusal>;

    /// Adds the encoded form of `effect` to `out`. An implementation must only append.
    fn encode(&self, effect: &Effect<'_>, out: &mut Vec<u8>);

    /// Takes `count` effects encoded one after the other as one unit that a crash keeps whole or drops
    /// whole, and returns the LSN of the last of them.
    ///
    /// Called while the stripes of the effects are locked: an implementation must not do IO and must not
    /// call back into the store. `count` is at least 1.
    fn append(&self, encoded: &[u8], count: u32) -> Lsn;

    /// The LSN of the last effect that was appended.
    fn last(&self) -> Lsn;

    /// The newest LSN that no crash can take back: a reply that shows nothing newer need not wait.
    fn settled(&self) -> Lsn;
}
