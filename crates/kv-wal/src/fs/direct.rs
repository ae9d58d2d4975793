//! Writing a file from front to back past the kernel's cache.
//!
//! A write that is synced at once gains nothing from the cache and pays for it: the page is looked up,
//! filled, marked and searched for again by the sync. Without it a commit costs the processor less than half
//! and the disk begins sooner.
//!
//! Such a write takes whole blocks. The last one of a write is mostly a part: it is filled up with zeros, kept
//! here, and written again with what comes after it. The cache does the same with its pages.
//!
//! Invariant: what a write changes on the disk beyond its own bytes is what was there before: the bytes of
//! earlier writes, and zeros.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::{AtFlags, OFlags, StatxFlags};

/// The unit of place, length and memory, in bytes; a multiple of what common disks ask for.
pub(super) const BLOCK_BYTES: usize = 4096;

/// So much is written at a time, in bytes.
const STAGED_BYTES_MAX: usize = 256 << 10;

/// Takes `file` past the cache, if its file system can do that in units of [`BLOCK_BYTES`] and says so.
pub(super) fn bypass_cache(file: &File) -> io::Result<bool> {
    let stat = rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::DIOALIGN)?;
    let can = |align: u32| align > 0 && BLOCK_BYTES.is_multiple_of(align as usize);
    let told = stat.stx_mask & StatxFlags::DIOALIGN.bits() != 0;
    if !told || !can(stat.stx_dio_mem_align) || !can(stat.stx_dio_offset_align) {
        return Ok(false);
    }
    let flags = rustix::fs::fcntl_getfl(file)?;
    rustix::fs::fcntl_setfl(file, flags | OFlags::DIRECT)?;
    Ok(true)
}

/// The end of a file that is written this way.
pub(super) struct Tail {
    memory: Vec<u8>,
    /// Where the first aligned byte of `memory` is.
    aligned: usize,
    /// What is staged begins at this offset of the file, a multiple of a block.
    begin: u64,
    /// Bytes staged: those of the last block, as far as it is written.
    filled: usize,
}

impl Tail {
    /// Before the first write, which will be at `begin`, a multiple of a block.
    pub(super) fn new(begin: u64) -> Self {
        let memory = vec![0; STAGED_BYTES_MAX + BLOCK_BYTES];
        Self {
            aligned: memory.as_ptr().align_offset(BLOCK_BYTES),
            memory,
            begin,
            filled: 0,
        }
    }

    /// Writes `bytes` at `offset` of `file`, which must be where the write before has ended.
    pub(super) fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if offset != self.begin + self.filled as u64 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not where the write before has ended",
            ));
        }
        let staged = &mut self.memory[self.aligned..self.aligned + STAGED_BYTES_MAX];
        let mut left = bytes;
        while !left.is_empty() {
            let (now, later) = left.split_at(left.len().min(STAGED_BYTES_MAX - self.filled));
            let end = self.filled + now.len();
            let whole = end.next_multiple_of(BLOCK_BYTES);
            staged[self.filled..end].copy_from_slice(now);
            staged[end..whole].fill(0);
            file.write_all_at(&staged[..whole], self.begin)?;
            let kept = end - end % BLOCK_BYTES;
            staged.copy_within(kept..end, 0);
            self.begin += kept as u64;
            self.filled = end - kept;
            left = later;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of zeros, and whether it is written past the cache (not everywhere possible).
    fn zeros(bytes: usize) -> File {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&vec![0; bytes], 0).unwrap();
        file.sync_data().unwrap();
        let _ = bypass_cache(&file).unwrap();
        file
    }

    fn content(file: &File, bytes: usize) -> Vec<u8> {
        let flags = rustix::fs::fcntl_getfl(file).unwrap();
        rustix::fs::fcntl_setfl(file, flags - OFlags::DIRECT).unwrap();
        let mut content = vec![1; bytes];
        file.read_exact_at(&mut content, 0).unwrap();
        content
    }

    #[test]
    fn writes_of_every_length_follow_one_another() {
        const FILE_BYTES: usize = 3 << 20;
        let file = zeros(FILE_BYTES);
        let mut tail = Tail::new(BLOCK_BYTES as u64);
        let mut expected = vec![0; BLOCK_BYTES];
        let lengths = [
            8,
            BLOCK_BYTES - 8,
            1,
            0,
            BLOCK_BYTES,
            3 * BLOCK_BYTES - 1,
            STAGED_BYTES_MAX,
            STAGED_BYTES_MAX - 1,
            STAGED_BYTES_MAX + 1,
            5,
            4 * STAGED_BYTES_MAX + 77,
            40,
        ];
        for (number, length) in (1..).zip(lengths) {
            let bytes = vec![number; length];
            let at = expected.len() as u64;
            tail.write(&file, &bytes, at).unwrap();
            expected.extend(bytes);
        }
        expected.resize(FILE_BYTES, 0);
        assert!(content(&file, FILE_BYTES) == expected);
        assert_eq!(file.metadata().unwrap().len(), FILE_BYTES as u64);
    }

    #[test]
    fn a_write_elsewhere_is_refused() {
        let file = zeros(2 * BLOCK_BYTES);
        let mut tail = Tail::new(0);
        tail.write(&file, b"12345678", 0).unwrap();
        for offset in [0, 7, 9, BLOCK_BYTES as u64] {
            let refused = tail.write(&file, b"x", offset).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{offset}");
        }
        tail.write(&file, b"9", 8).unwrap();
        assert_eq!(content(&file, 10), b"123456789\0");
    }
}
