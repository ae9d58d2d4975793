//! Values in the form in which Redis and Valkey carry them: what `DUMP` makes and `RESTORE` takes.
//!
//! ```text
//! type (1 byte) | the value in the form of its type | version (2 bytes) | CRC-64 of all before (8 bytes)
//! ```
//!
//! Numbers of fixed size have their lowest byte first, but for long lengths. Written are the plain forms, element
//! by element, with a version that both servers have known for years; read are the forms that Redis 7 and 8 and
//! Valkey up to 9.1 write. Owns bytes, not stores: what becomes of a value is the commands' part.
//!
//! Invariant: bytes from outside are not believed. What is allocated grows with what has been read, by no more than
//! the best that compression can do and by no more than [`OBJECT_BYTES_MAX`]; nothing recurses; every length is
//! checked before it is used.
//! Invariant: an [`Object`] is one that a store can hold: not empty, no member twice, no score that is no number.

mod crc64;
mod intset;
mod library;
mod listpack;
mod lzf;
mod object;
mod payload;
mod read;
mod stream;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use library::{NoLibrary, dump_libraries};
pub(crate) use object::{Content, Object};
pub(crate) use payload::open;
pub(crate) use write::dump;

/// The most that the elements of one value may take, their lengths included, in bytes.
const OBJECT_BYTES_MAX: usize = 4 << 30;

/// The bytes are not of the form that they should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

/// The version of plain values: Redis 7.2 and Valkey 8 wrote it, all later ones read it.
const VERSION_PLAIN: u16 = 11;
/// The version that has fields with an expiry, as Redis writes them: 7.4 and later.
const VERSION_REDIS: u16 = 12;
/// The version of Valkey 9.
const VERSION_VALKEY: u16 = 80;

/// What stands at the beginning of a value.
mod types {
    /// The code of a library of functions.
    pub(super) const LIBRARY: u8 = 245;
    /// The same as releases before Redis 7.0 had it.
    pub(super) const LIBRARY_PRE_RELEASE: u8 = 246;
    pub(super) const STRING: u8 = 0;
    pub(super) const LIST: u8 = 1;
    pub(super) const SET: u8 = 2;
    pub(super) const HASH: u8 = 4;
    /// Scores are doubles of 8 bytes.
    pub(super) const ZSET: u8 = 5;
    pub(super) const SET_INTSET: u8 = 11;
    pub(super) const HASH_LISTPACK: u8 = 16;
    pub(super) const ZSET_LISTPACK: u8 = 17;
    /// Nodes, each a listpack or one long element.
    pub(super) const LIST_NODES: u8 = 18;
    /// Streams, in the three forms that there were.
    pub(super) const STREAM_FIRST: u8 = 15;
    pub(super) const STREAM_SECOND: u8 = 19;
    pub(super) const SET_LISTPACK: u8 = 20;
    pub(super) const STREAM_THIRD: u8 = 21;
    /// Fields with expiries, of Valkey 9; earlier versions mean something else by it.
    pub(super) const HASH_EXPIRING_VALKEY: u8 = 22;
    /// Fields with expiries, of Redis.
    pub(super) const HASH_EXPIRING: u8 = 24;
    pub(super) const HASH_EXPIRING_LISTPACK: u8 = 25;
}
