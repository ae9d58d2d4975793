//! A sketch: header and registers, as a string holds them.
//!
//! Invariant: a sketch is dense or sparse, never becomes sparse again, and is outdated with each register raised.

use std::sync::atomic::Ordering;

use super::dense::{self, DENSE_BYTES};
use super::estimate::estimate;
use super::hash::register_of;
use super::header::{self, Encoding, HEADER_BYTES};
use super::registers::Registers;
use super::sparse::{self, Corrupt, Raised};
use crate::command::prelude::*;

/// Most bytes of a sparse sketch.
fn sparse_bytes_max(view: &View<'_>) -> usize {
    view.limits().hll_sparse_bytes.load(Ordering::Relaxed)
}

/// What is answered for a string that is no sketch.
fn no_sketch() -> CommandError {
    CommandError {
        code: "WRONGTYPE",
        message: "Key is not a valid HyperLogLog string value.".into(),
    }
}

impl From<Corrupt> for CommandError {
    fn from(_: Corrupt) -> Self {
        Self {
            code: "INVALIDOBJ",
            message: "Corrupted HLL object detected".into(),
        }
    }
}

/// A sketch to look at or to add to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sketch {
    header: [u8; HEADER_BYTES],
    encoding: Encoding,
    body: Vec<u8>,
    /// Most bytes of runs before it becomes dense.
    runs_bytes_max: usize,
}

impl Sketch {
    /// A sketch without elements, which becomes dense when the whole string would have more bytes than this.
    pub(super) fn new(sparse_bytes_max: usize) -> Self {
        Self {
            runs_bytes_max: sparse_bytes_max.saturating_sub(HEADER_BYTES),
            header: header::new(Encoding::Sparse),
            encoding: Encoding::Sparse,
            body: sparse::empty(),
        }
    }

    /// A sketch without elements, for the store of `view`.
    pub(super) fn for_store(view: &View<'_>) -> Self {
        Self::new(sparse_bytes_max(view))
    }

    /// The sketch at `key`; `None` when there is no such key.
    ///
    /// # Errors
    ///
    /// The key holds something else.
    pub(super) fn at(view: &mut View<'_>, key: &[u8]) -> Result<Option<Self>, CommandError> {
        let sparse_bytes_max = sparse_bytes_max(view);
        match view.string(key)? {
            None => Ok(None),
            Some(string) => {
                let sketch =
                    Self::parse(string.as_bytes(&mut itoa::Buffer::new()), sparse_bytes_max);
                sketch.map(Some)
            }
        }
    }

    fn parse(bytes: &[u8], sparse_bytes_max: usize) -> Result<Self, CommandError> {
        let encoding = header::encoding(bytes).ok_or_else(no_sketch)?;
        let (header, body) = bytes.split_first_chunk().ok_or_else(no_sketch)?;
        if encoding == Encoding::Dense && body.len() != DENSE_BYTES {
            return Err(no_sketch());
        }
        Ok(Self {
            header: *header,
            encoding,
            body: body.to_vec(),
            runs_bytes_max: sparse_bytes_max.saturating_sub(HEADER_BYTES),
        })
    }

    /// The string that this sketch is.
    pub(super) fn bytes(&self) -> Vec<u8> {
        [&self.header[..], &self.body].concat()
    }

    /// Whether it is dense.
    pub(super) fn is_dense(&self) -> bool {
        self.encoding == Encoding::Dense
    }

    /// Adds an element; whether a register was raised.
    ///
    /// # Errors
    ///
    /// The sketch is corrupt; nothing was changed.
    pub(super) fn add(&mut self, element: &[u8]) -> Result<bool, CommandError> {
        let (index, value) = register_of(element);
        self.raise(index, value)
    }

    /// Raises a register to at least `value`; whether it was less.
    ///
    /// # Errors
    ///
    /// As [`Sketch::add`].
    pub(super) fn raise(&mut self, index: usize, value: u8) -> Result<bool, CommandError> {
        let raised = match self.encoding {
            Encoding::Dense => dense::raise(&mut self.body, index, value),
            Encoding::Sparse => {
                match sparse::raise(&mut self.body, index, value, self.runs_bytes_max)? {
                    Raised::No => false,
                    Raised::Yes => true,
                    Raised::TooLarge => {
                        self.make_dense()?;
                        dense::raise(&mut self.body, index, value)
                    }
                }
            }
        };
        if raised {
            self.outdate();
        }
        Ok(raised)
    }

    /// Says that the last estimate no longer holds.
    pub(super) fn outdate(&mut self) {
        header::outdate(&mut self.header);
    }

    /// Makes it dense, if it is not.
    ///
    /// # Errors
    ///
    /// As [`Sketch::add`].
    pub(super) fn make_dense(&mut self) -> Result<(), CommandError> {
        if self.is_dense() {
            return Ok(());
        }
        let mut registers = Registers::new();
        sparse::read(&self.body, &mut registers)?;
        let mut body = vec![0; DENSE_BYTES];
        for (index, value) in registers.filled() {
            dense::raise(&mut body, index, value);
        }
        (self.encoding, self.body) = (Encoding::Dense, body);
        header::set_encoding(&mut self.header, self.encoding);
        Ok(())
    }

    /// Raises `registers` to those of this sketch.
    ///
    /// # Errors
    ///
    /// The sketch is corrupt.
    pub(super) fn merge_into(&self, registers: &mut Registers) -> Result<(), CommandError> {
        match self.encoding {
            Encoding::Dense => dense::read(&self.body, registers),
            Encoding::Sparse => sparse::read(&self.body, registers)?,
        }
        Ok(())
    }

    /// About how many distinct elements it has seen.
    ///
    /// # Errors
    ///
    /// The sketch is corrupt.
    pub(super) fn estimate(&self) -> Result<u64, CommandError> {
        if let Some(known) = header::estimate(&self.header) {
            return Ok(known);
        }
        Ok(estimate(&self.registers()?.histogram()))
    }

    /// All its registers.
    ///
    /// # Errors
    ///
    /// The sketch is corrupt.
    pub(super) fn registers(&self) -> Result<Registers, CommandError> {
        let mut registers = Registers::new();
        self.merge_into(&mut registers)?;
        Ok(registers)
    }

    /// Puts this sketch at `key`, which held `before`: only what differs if that is little.
    pub(super) fn store(&self, txn: &mut Txn<'_>, key: &[u8], before: Option<&Self>) {
        let bytes = self.bytes();
        let patched = before
            .map(Self::bytes)
            .filter(|before| before.len() == bytes.len() && self.is_dense());
        match patched {
            // A write is one for those who watch the key, also when nothing is different.
            Some(before) if *before == *bytes => txn.patch_string(key, 0, &bytes[..1]),
            Some(before) => patch(txn, key, &before, &bytes),
            None => {
                let expires = crate::command::expire_time::current(txn, key);
                txn.set_string(key, kv_core::StringValue::new(&bytes), expires);
            }
        }
        txn.announce(key, event::PFADD);
    }
}

/// Two places that differ are one patch if no more bytes than this are between them: as many as a patch costs.
const GAP_BYTES_MAX: usize = 16;

/// Turns the string `before` at `key` into `after`, which is as long.
fn patch(txn: &mut Txn<'_>, key: &[u8], before: &[u8], after: &[u8]) {
    let differs = |place: &usize| before[*place] != after[*place];
    let mut places = (0..after.len()).filter(differs).peekable();
    while let Some(first) = places.next() {
        let mut last = first;
        while let Some(next) = places.next_if(|next| next - last <= GAP_BYTES_MAX) {
            last = next;
        }
        txn.patch_string(key, first, &after[first..=last]);
    }
}
