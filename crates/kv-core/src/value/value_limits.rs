//! How large a packed collection may be, under the names and with the defaults that Redis has for it.
//!
//! A change counts from the next change of a collection on; what is packed or not stays so until then.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};

/// The limits of packed collections of one store. Threads may change them at any time.
#[derive(Debug)]
pub struct ValueLimits {
    /// `hash-max-listpack-entries`: most fields of a packed hash.
    pub hash_entries: AtomicUsize,
    /// `hash-max-listpack-value`: longest field or value of a packed hash, in bytes.
    pub hash_value_bytes: AtomicUsize,
    /// `set-max-intset-entries`: most members of a packed set that are all integers.
    pub intset_entries: AtomicUsize,
    /// `set-max-listpack-entries`: most members of a packed set that are not all integers.
    pub set_entries: AtomicUsize,
    /// `set-max-listpack-value`: longest member of a packed set, in bytes.
    pub set_value_bytes: AtomicUsize,
    /// `zset-max-listpack-entries`: most members of a packed sorted set.
    pub zset_entries: AtomicUsize,
    /// `zset-max-listpack-value`: longest member of a packed sorted set, in bytes.
    pub zset_value_bytes: AtomicUsize,
    /// `list-max-listpack-size`: most elements of a packed list; or, if negative, -1 to -5 for 4, 8, 16, 32
    /// or 64 KiB.
    pub list_size: AtomicI64,
    /// `hll-sparse-max-bytes`: longest string of runs that counts distinct elements, in bytes. The store keeps it for
    /// those who know such strings.
    pub hll_sparse_bytes: AtomicUsize,
    /// `stream-node-max-entries`: most entries of a block of a stream; 0: no limit.
    pub stream_node_entries: AtomicUsize,
    /// `stream-node-max-bytes`: most bytes of a block of a stream; 0: no limit.
    pub stream_node_bytes: AtomicUsize,
}

impl Default for ValueLimits {
    fn default() -> Self {
        Self {
            hash_entries: 512.into(),
            hash_value_bytes: 64.into(),
            intset_entries: 512.into(),
            set_entries: 128.into(),
            set_value_bytes: 64.into(),
            zset_entries: 128.into(),
            zset_value_bytes: 64.into(),
            list_size: (-2).into(),
            hll_sparse_bytes: 3000.into(),
            stream_node_entries: 100.into(),
            stream_node_bytes: 4096.into(),
        }
    }
}

impl ValueLimits {
    /// Whether a hash of so many fields, the longest part of which has so many bytes, may be packed.
    pub(super) fn packs_hash(&self, fields: usize, bytes: usize) -> bool {
        fields <= self.hash_entries.load(Relaxed) && bytes <= self.hash_value_bytes.load(Relaxed)
    }

    /// As [`ValueLimits::packs_hash`], of a set.
    pub(super) fn packs_set(&self, members: usize, bytes: usize) -> bool {
        members <= self.set_entries.load(Relaxed) && bytes <= self.set_value_bytes.load(Relaxed)
    }

    /// Whether a set of so many integers may be packed as such.
    pub(super) fn packs_integers(&self, members: usize) -> bool {
        members <= self.intset_entries.load(Relaxed)
    }

    /// As [`ValueLimits::packs_hash`], of a sorted set.
    pub(super) fn packs_zset(&self, members: usize, bytes: usize) -> bool {
        members <= self.zset_entries.load(Relaxed) && bytes <= self.zset_value_bytes.load(Relaxed)
    }

    /// Whether a list that shrinks to so many elements, which take so many bytes together, is packed again: at
    /// half of what a packed one may have, so that the next element does not unpack it.
    pub(super) fn packs_list_again(&self, elements: usize, bytes: usize) -> bool {
        self.packs_list(elements.saturating_mul(2), bytes.saturating_mul(2))
    }

    /// Whether a list of so many elements, which take so many bytes together, may be packed.
    pub(super) fn packs_list(&self, elements: usize, bytes: usize) -> bool {
        /// Packed lists of any number of elements have no more than this, in bytes.
        const COUNTED_BYTES_MAX: usize = 8 << 10;

        match self.list_size.load(Relaxed) {
            size @ 0.. => {
                let elements_max = usize::try_from(size).unwrap_or(usize::MAX).max(1);
                elements <= elements_max && bytes <= COUNTED_BYTES_MAX
            }
            size => bytes <= 2 << 10 << size.unsigned_abs().min(5),
        }
    }
}
