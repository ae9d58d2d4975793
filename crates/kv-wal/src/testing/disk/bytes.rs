//! The contents of one file, in pages that are shared until one is written to: a copy of a whole disk costs
//! a few counters.
//!
//! Invariant: what lies behind the end, in the last page, is zero.

use std::sync::{Arc, OnceLock};

/// Bytes of a page.
const PAGE_BYTES: usize = 4096;

/// Contents of a file. A clone shares its pages.
#[derive(Clone, Default)]
pub struct FileBytes {
    length: usize,
    pages: Vec<Arc<Page>>,
}

struct Page {
    bytes: [u8; PAGE_BYTES],
    /// The page's part of a fingerprint, once somebody has asked.
    print: OnceLock<u64>,
}

impl Clone for Page {
    fn clone(&self) -> Self {
        Self {
            bytes: self.bytes,
            print: OnceLock::new(),
        }
    }
}

fn zero_page() -> Arc<Page> {
    static ZERO: OnceLock<Arc<Page>> = OnceLock::new();
    let zero = || {
        Arc::new(Page {
            bytes: [0; PAGE_BYTES],
            print: OnceLock::new(),
        })
    };
    Arc::clone(ZERO.get_or_init(zero))
}

impl FileBytes {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Reads at `offset` into `into`; returns how many bytes there were.
    pub fn read(&self, into: &mut [u8], offset: usize) -> usize {
        let wanted = into.len().min(self.length.saturating_sub(offset));
        let mut done = 0;
        while done < wanted {
            let at = offset + done;
            let within = at % PAGE_BYTES;
            let length = (PAGE_BYTES - within).min(wanted - done);
            let page = &self.pages[at / PAGE_BYTES].bytes;
            into[done..done + length].copy_from_slice(&page[within..within + length]);
            done += length;
        }
        done
    }

    /// All of them, in one piece.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.length];
        self.read(&mut bytes, 0);
        bytes
    }

    /// Writes `bytes` at `offset`; a gap before them becomes zeros.
    pub fn write(&mut self, bytes: &[u8], offset: usize) {
        if offset + bytes.len() > self.length {
            self.set_len(offset + bytes.len());
        }
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done;
            let within = at % PAGE_BYTES;
            let length = (PAGE_BYTES - within).min(bytes.len() - done);
            let page = writable(&mut self.pages[at / PAGE_BYTES]);
            page[within..within + length].copy_from_slice(&bytes[done..done + length]);
            done += length;
        }
    }

    /// Cuts to `length`, or extends with zeros.
    pub fn set_len(&mut self, length: usize) {
        self.pages
            .resize_with(length.div_ceil(PAGE_BYTES), zero_page);
        if length < self.length
            && !length.is_multiple_of(PAGE_BYTES)
            && let Some(last) = self.pages.last_mut()
        {
            writable(last)[length % PAGE_BYTES..].fill(0);
        }
        self.length = length;
    }

    /// A number that differs, as far as chance allows, where the contents differ.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.pages.iter().fold(self.length as u64, |mixed, page| {
            let print = *page.print.get_or_init(|| fingerprint(&page.bytes));
            mix(mixed, print)
        })
    }

    /// Whether the bytes are the same as those of `other`.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let mut pages = self.pages.iter().zip(&other.pages);
        self.length == other.length
            && pages.all(|(one, other)| Arc::ptr_eq(one, other) || one.bytes == other.bytes)
    }
}

fn writable(page: &mut Arc<Page>) -> &mut [u8; PAGE_BYTES] {
    let page = Arc::make_mut(page);
    page.print = OnceLock::new();
    &mut page.bytes
}

/// A number that differs, as far as chance allows, where `bytes` differ.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut mixed = bytes.len() as u64;
    for word in words {
        mixed = mix(mixed, u64::from_le_bytes(*word));
    }
    mix(mixed, u64::from_le_bytes(last))
}

/// Mixes one more word into a fingerprint; the order matters.
pub(crate) fn mix(mixed: u64, word: u64) -> u64 {
    let product = (mixed ^ word ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (product ^ (product >> 32)).wrapping_add(word.rotate_left(23))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::chance::Chance;

    #[test]
    fn writing_reading_and_cutting_do_what_a_vector_does() {
        let mut chance = Chance::of(&[1]);
        let mut bytes = FileBytes::default();
        let mut model: Vec<u8> = Vec::new();
        for _ in 0..500 {
            let before = bytes.clone();
            let (model_before, print_before) = (model.clone(), bytes.fingerprint());
            let offset = chance.below(20_000);
            if chance.percent(20) {
                bytes.set_len(offset);
                model.resize(offset, 0);
            } else {
                let mut piece = vec![0; chance.below(6000)];
                chance.fill(&mut piece);
                bytes.write(&piece, offset);
                model.resize(model.len().max(offset + piece.len()), 0);
                model[offset..offset + piece.len()].copy_from_slice(&piece);
            }
            assert_eq!(bytes.to_vec(), model);
            assert_eq!(before.to_vec(), model_before, "a clone is its own");
            assert_eq!(before.is_same(&bytes), model == model_before);
            assert_eq!(print_before == bytes.fingerprint(), model == model_before);
        }
    }
}
