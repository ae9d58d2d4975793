//! What a string must be for it to be changed or deleted: the options `IFEQ`, `IFNE`, `IFDEQ` and `IFDNE`.
//!
//! The latter two compare digests: XXH3 of 64 bits, written as 16 hexadecimal digits.

use kv_core::StringRef;
use xxhash_rust::xxh3::xxh3_64;

use crate::command::prelude::*;

/// One of the options with what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison<'r> {
    /// `IFEQ`: it is this string.
    Equal(&'r [u8]),
    /// `IFNE`: it is not.
    NotEqual(&'r [u8]),
    /// `IFDEQ`: it has this digest.
    DigestEqual(u64),
    /// `IFDNE`: it has not.
    DigestNotEqual(u64),
}

impl<'r> Comparison<'r> {
    /// Takes the option and what stands behind it if they come next.
    ///
    /// # Errors
    ///
    /// The option alone, or with a digest that is none.
    pub(super) fn eat(args: &mut Args<'r>) -> Result<Option<Self>, CommandError> {
        Ok(Some(if args.eat(b"IFEQ") {
            Self::Equal(args.bytes()?)
        } else if args.eat(b"IFNE") {
            Self::NotEqual(args.bytes()?)
        } else if args.eat(b"IFDEQ") {
            Self::DigestEqual(read_digest(args.bytes()?)?)
        } else if args.eat(b"IFDNE") {
            Self::DigestNotEqual(read_digest(args.bytes()?)?)
        } else {
            return Ok(None);
        }))
    }

    /// Whether it holds of `string`; a key that is not there has another value than any.
    pub(super) fn holds(self, string: Option<StringRef<'_>>) -> bool {
        let mut digits = itoa::Buffer::new();
        let bytes = string.map(|string| string.as_bytes(&mut digits));
        match self {
            Self::Equal(wanted) => bytes == Some(wanted),
            Self::NotEqual(unwanted) => bytes != Some(unwanted),
            Self::DigestEqual(wanted) => bytes.map(xxh3_64) == Some(wanted),
            Self::DigestNotEqual(unwanted) => bytes.map(xxh3_64) != Some(unwanted),
        }
    }
}

/// The digest that `word` is, in either case of letters.
fn read_digest(word: &[u8]) -> Result<u64, CommandError> {
    let digits = std::str::from_utf8(word).ok();
    let digits = digits.filter(|digits| digits.len() == 16 && !digits.starts_with('+'));
    let digest = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    digest.ok_or_else(|| CommandError::err("digest must be exactly 16 hexadecimal characters"))
}
