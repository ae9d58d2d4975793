//! The scripts that can be asked for by their digest.
//!
//! Invariant: one that came with `EVAL` is forgotten when [`EVALUATED_MAX`] others have been used since; one that
//! was loaded stays until all are forgotten.

use std::collections::HashMap;

use mlua::{Function, Lua, Table};
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

/// One script.
#[derive(Debug)]
struct Entry {
    source: Box<[u8]>,
    declared: Declared,
    /// Whether it stays until all are forgotten.
    is_loaded: bool,
    /// When it was used last, in uses.
    used: u64,
}

/// All scripts, and the functions that they have become.
pub(super) struct Store {
    entries: HashMap<Digest, Entry>,
    /// Function by digest: inside of the interpreter, where there may be many.
    functions: Table,
    /// How many of them did not come to stay.
    evaluated: usize,
    uses: u64,
    evicted: u64,
    /// How often a script came or went.
    pub(super) changes: u64,
}

impl Store {
    /// No script.
    pub(super) fn new(lua: &Lua) -> mlua::Result<Self> {
        Ok(Self {
            entries: HashMap::new(),
            functions: lua.create_table()?,
            evaluated: 0,
            uses: 0,
            evicted: 0,
            changes: 0,
        })
    }

    /// The script of this name.
    pub(super) fn find(&mut self, digest: &Digest) -> mlua::Result<Option<(Function, Declared)>> {
        let Some(entry) = self.entries.get_mut(digest) else {
            return Ok(None);
        };
        self.uses += 1;
        entry.used = self.uses;
        let declared = entry.declared;
        Ok(Some((self.functions.raw_get(digest.text())?, declared)))
    }

    /// Adds a script, and forgets another one if there are too many.
    pub(super) fn add(
        &mut self,
        digest: Digest,
        source: &[u8],
        declared: Declared,
        function: &Function,
    ) -> mlua::Result<()> {
        if self.evaluated >= EVALUATED_MAX {
            self.evict()?;
        }
        self.functions.raw_set(digest.text(), function)?;
        self.uses += 1;
        self.changes += 1;
        self.evaluated += 1;
        let entry = Entry {
            source: source.into(),
            declared,
            is_loaded: false,
            used: self.uses,
        };
        self.entries.insert(digest, entry);
        Ok(())
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
    fn evict(&mut self) -> mlua::Result<()> {
        let evaluated = self.entries.iter().filter(|(_, entry)| !entry.is_loaded);
        let oldest = evaluated.min_by_key(|(_, entry)| entry.used);
        if let Some((digest, _)) = oldest {
            let digest = *digest;
            self.entries.remove(&digest);
            self.functions.raw_remove(digest.text())?;
            self.evaluated -= 1;
            self.evicted += 1;
        }
        Ok(())
    }

    /// Forgets all.
    pub(super) fn clear(&mut self, lua: &Lua) -> mlua::Result<()> {
        self.functions = lua.create_table()?;
        self.entries.clear();
        self.changes += 1;
        self.evaluated = 0;
        Ok(())
    }

    /// The source of a script.
    pub(super) fn source(&self, digest: &Digest) -> Option<&[u8]> {
        self.entries.get(digest).map(|entry| &*entry.source)
    }

    /// The digests of scripts that say that they change nothing.
    pub(super) fn readers(&self) -> impl Iterator<Item = Box<[u8]>> {
        let all = self.entries.iter();
        all.filter(|(_, entry)| entry.declared.no_writes())
            .map(|(digest, _)| digest.text().as_bytes().into())
    }

    /// How many there are, and how many were forgotten for others.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.entries.len() as u64, self.evicted)
    }

    /// Bytes that the sources take; what became of them is the interpreter's.
    pub(super) fn source_bytes(&self) -> usize {
        self.entries.values().map(|entry| entry.source.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(store: &mut Store, lua: &Lua, source: &str) -> Digest {
        let digest = Digest::of(source.as_bytes());
        let function = lua.load(source).into_function().unwrap();
        let declared = Declared::default();
        store
            .add(digest, source.as_bytes(), declared, &function)
            .unwrap();
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
        let lua = Lua::new();
        let mut store = Store::new(&lua).unwrap();
        let loaded = add(&mut store, &lua, "return 'loaded'");
        store.keep(&loaded);
        let first = add(&mut store, &lua, "return 'first'");
        let second = add(&mut store, &lua, "return 'second'");
        for number in 2..EVALUATED_MAX {
            add(&mut store, &lua, &format!("return {number}"));
        }
        assert!(store.find(&first).unwrap().is_some());
        add(&mut store, &lua, "return 'one too many'");
        assert_eq!(store.counts(), (EVALUATED_MAX as u64 + 1, 1));
        assert!(store.find(&second).unwrap().is_none());
        assert!(store.find(&first).unwrap().is_some());
        assert!(store.find(&loaded).unwrap().is_some());
        store.clear(&lua).unwrap();
        assert_eq!(store.counts(), (0, 1));
        assert!(store.find(&loaded).unwrap().is_none());
    }
}
