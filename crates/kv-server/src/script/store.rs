//! The scripts that can be asked for by their digest: their sources, which all interpreters share.
//!
//! Invariant: one that came with `EVAL` is forgotten when [`EVALUATED_MAX`] others have been used since; one that
//! was loaded stays until all are forgotten.

use std::collections::HashMap;
use std::sync::Arc;

use sha1::{Digest as _, Sha1};

use super::shebang::Declared;

/// How many scripts that came with `EVAL` are kept.
const EVALUATED_MAX: usize = 500;

/// The SHA-1 of a script as forty small hexadecimal digits: its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; 40]);

impl Digest {
    /// The digest of `source`.
    pub(super) fn of(source: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 40];
        for (pair, byte) in text.chunks_exact_mut(2).zip(Sha1::digest(source)) {
            pair.copy_from_slice(&[
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]);
        }
        Self(text)
    }

    /// The digest that a client has written, in any case; `None` when it cannot be one.
    pub(super) fn parse(word: &[u8]) -> Option<Self> {
        let text: [u8; 40] = word.try_into().ok()?;
        Some(Self(text.map(|byte| byte.to_ascii_lowercase())))
    }

    /// The forty digits.
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// For so many uses a script runs apart after it had to, before it is tried at once again: what was wrong with it may
/// have been one unlucky moment.
const USES_APART: u32 = 100;

/// One script.
#[derive(Debug)]
struct Entry {
    known: Known,
    source: Arc<[u8]>,
    /// Whether it stays until all are forgotten.
    is_loaded: bool,
    /// When it was used last, in uses.
    used: u64,
    /// For so many uses more it runs apart.
    apart: u32,
}

/// What interpreters need of a script that they have compiled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// No other script has this number, nor has this one when it comes again.
    pub(super) number: i64,
    pub(super) declared: Declared,
    /// Whether it had better run apart.
    pub(super) is_apart: bool,
}

/// All scripts.
#[derive(Debug, Default)]
pub(super) struct Store {
    entries: HashMap<Digest, Entry>,
    /// How many of them did not come to stay.
    evaluated: usize,
    uses: u64,
    evicted: u64,
    source_bytes: usize,
    /// How many scripts have come so far.
    come: i64,
}

impl Store {
    /// The script of this name.
    pub(super) fn find(&mut self, digest: &Digest) -> Option<Known> {
        let entry = self.entries.get_mut(digest)?;
        self.uses += 1;
        entry.used = self.uses;
        let known = Known {
            is_apart: entry.apart > 0,
            ..entry.known
        };
        entry.apart = entry.apart.saturating_sub(1);
        Some(known)
    }

    /// Adds a script, and forgets another one if there are too many.
    pub(super) fn add(&mut self, digest: Digest, source: &[u8], declared: Declared) -> Known {
        // Another thread may have been faster.
        if let Some(known) = self.find(&digest) {
            return known;
        }
        if self.evaluated >= EVALUATED_MAX {
            self.evict();
        }
        self.uses += 1;
        self.come += 1;
        self.evaluated += 1;
        self.source_bytes += source.len();
        let known = Known {
            number: self.come,
            declared,
            is_apart: false,
        };
        let entry = Entry {
            known,
            source: source.into(),
            is_loaded: false,
            used: self.uses,
            apart: 0,
        };
        self.entries.insert(digest, entry);
        known
    }

    /// Lets a script stay.
    pub(super) fn keep(&mut self, digest: &Digest) {
        if let Some(entry) = self.entries.get_mut(digest)
            && !entry.is_loaded
        {
            entry.is_loaded = true;
            self.evaluated -= 1;
        }
    }

    /// Forgets the one that was not used for longest.
    fn evict(&mut self) {
        let evaluated = self.entries.iter().filter(|(_, entry)| !entry.is_loaded);
        let oldest = evaluated.min_by_key(|(_, entry)| entry.used);
        if let Some((digest, _)) = oldest {
            let digest = *digest;
            let gone = self.entries.remove(&digest);
            self.source_bytes -= gone.map_or(0, |entry| entry.source.len());
            self.evaluated -= 1;
            self.evicted += 1;
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.source_bytes = 0;
        self.evaluated = 0;
    }

    /// The source of a script.
    pub(super) fn source(&self, digest: &Digest) -> Option<Arc<[u8]>> {
        self.entries
            .get(digest)
            .map(|entry| Arc::clone(&entry.source))
    }

    /// Whether there is one of this name that says that it changes nothing.
    pub(super) fn is_reader(&self, digest: &Digest) -> bool {
        let entry = self.entries.get(digest);
        entry.is_some_and(|entry| entry.known.declared.no_writes())
    }

    /// The numbers of all.
    pub(super) fn numbers(&self) -> impl Iterator<Item = i64> {
        self.entries.values().map(|entry| entry.known.number)
    }

    /// The script was tried at once and had to run apart.
    pub(super) fn keep_apart(&mut self, digest: &Digest) {
        if let Some(entry) = self.entries.get_mut(digest) {
            entry.apart = USES_APART;
        }
    }

    /// How many there are, and how many were forgotten for others.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.entries.len() as u64, self.evicted)
    }

    /// Bytes that the sources take; what became of them is the interpreters'.
    pub(super) fn source_bytes(&self) -> usize {
        self.source_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(store: &mut Store, source: &str) -> Digest {
        let digest = Digest::of(source.as_bytes());
        store.add(digest, source.as_bytes(), Declared::default());
        digest
    }

    #[test]
    fn a_digest_is_read_in_any_case() {
        let digest = Digest::of(b"return 1");
        let text = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
        assert_eq!(digest.text(), text);
        assert_eq!(Digest::parse(text.to_uppercase().as_bytes()), Some(digest));
        assert_eq!(Digest::parse(b"e0e1"), None);
    }

    #[test]
    fn what_was_not_used_for_longest_is_forgotten_unless_it_was_loaded() {
        let mut store = Store::default();
        let loaded = add(&mut store, "return 'loaded'");
        store.keep(&loaded);
        let first = add(&mut store, "return 'first'");
        let second = add(&mut store, "return 'second'");
        for number in 2..EVALUATED_MAX {
            add(&mut store, &format!("return {number}"));
        }
        assert!(store.find(&first).is_some());
        add(&mut store, "return 'one too many'");
        assert_eq!(store.counts(), (EVALUATED_MAX as u64 + 1, 1));
        assert!(store.find(&second).is_none());
        assert!(store.find(&first).is_some());
        assert!(store.find(&loaded).is_some());
        let sources = store.entries.values().map(|entry| entry.source.len());
        assert_eq!(store.source_bytes(), sources.sum::<usize>());
        store.clear();
        assert_eq!((store.counts(), store.source_bytes()), ((0, 1), 0));
        assert!(store.find(&loaded).is_none());
    }

    #[test]
    fn a_script_that_comes_again_has_another_number() {
        let mut store = Store::default();
        let digest = add(&mut store, "return 1");
        let number = store.find(&digest).map(|known| known.number);
        store.clear();
        add(&mut store, "return 1");
        assert_ne!(store.find(&digest).map(|known| known.number), number);
    }

    #[test]
    fn a_script_is_tried_again_when_it_has_run_apart_for_long() {
        let mut store = Store::default();
        let digest = add(&mut store, "return 1");
        let mut is_apart = || store.find(&digest).is_some_and(|known| known.is_apart);
        assert!(!is_apart());
        store.keep_apart(&digest);
        let mut is_apart = || store.find(&digest).is_some_and(|known| known.is_apart);
        let apart = (0..2 * USES_APART).filter(|_| is_apart());
        assert_eq!(apart.count(), USES_APART as usize);
    }
}
