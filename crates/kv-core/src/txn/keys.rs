//! How a transaction changes parts of strings, and keys as wholes.
//!
//! Invariant: a call that changes nothing records nothing.

use super::Txn;
use crate::limits::STRING_BYTES_MAX;
use crate::{Db, Effect};

impl Txn<'_> {
    /// Puts `bytes` at `offset` of the string at `key`, which grows as needed, with zeros in between; a missing
    /// key counts as an empty string.
    ///
    /// # Panics
    ///
    /// When the string would have more than [`STRING_BYTES_MAX`] bytes.
    pub fn patch_string(&mut self, key: &[u8], offset: usize, bytes: &[u8]) {
        let end = offset.checked_add(bytes.len());
        assert!(
            end.is_some_and(|end| end <= STRING_BYTES_MAX),
            "a patch beyond the longest string"
        );
        if !bytes.is_empty() {
            self.apply(&Effect::PatchString {
                db: self.view.at.db,
                key,
                offset: offset as u64,
                bytes,
            });
        }
    }

    /// Puts what `from` holds, and its expiry, at `key` of `db`, whatever was there; whether there was something
    /// to put. A large value is shared, not copied.
    pub fn copy_key(&mut self, from: &[u8], db: Db, key: &[u8]) -> bool {
        let from_db = self.view.at.db;
        let there = self.view.exists(from);
        if there && (from_db, from) != (db, key) {
            self.apply(&Effect::CopyKey {
                from_db,
                from,
                db,
                key,
            });
        }
        there
    }

    /// As [`Txn::copy_key`], and `from` is gone, unless it is the key itself.
    pub fn move_key(&mut self, from: &[u8], db: Db, key: &[u8]) -> bool {
        let from_db = self.view.at.db;
        let there = self.view.exists(from);
        if there && (from_db, from) != (db, key) {
            self.apply(&Effect::MoveKey {
                from_db,
                from,
                db,
                key,
            });
        }
        there
    }

    /// Lets two databases change places. Needs [`KeySet::All`](crate::KeySet::All).
    ///
    /// # Panics
    ///
    /// When the store has no such database.
    pub fn swap_dbs(&mut self, one: Db, other: Db) {
        self.view.access.check_database(one);
        self.view.access.check_database(other);
        if one != other {
            self.apply(&Effect::SwapDbs { one, other });
        }
    }
}
