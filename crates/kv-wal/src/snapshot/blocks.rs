//! Items into the blocks of a file.
//!
//! Invariant: a block that is not inside an item begins and ends between two.

use bytes::Bytes;
use kv_core::{Db, Hash, Item, List, Set, Stream, StringRef, UnixMillis, ValueRef, ZSet};
use xxhash_rust::xxh3::Xxh3;

use super::SnapshotError;
use crate::Encoding;
use crate::file::LogFile;
use crate::format::{
    BLOCK_HEADER_BYTES, BLOCK_PAYLOAD_BYTES_MAX, BlockHeader, BlockKind, Footer, SnapshotHeader,
    encode_around_large, encode_effect,
};

/// A block is written when it has grown to this, in bytes.
const BLOCK_PAYLOAD_BYTES_FULL: usize = BLOCK_PAYLOAD_BYTES_MAX - (128 << 10);

/// Largest value that is copied once more rather than written from where it lies, in bytes.
const COPIED_BYTES_MAX: usize = 64 << 10;

/// Asked with the bytes of each block, after it was written: may the work go on?
pub(super) type AfterBlock<'a> = dyn FnMut(u64) -> Result<(), SnapshotError> + 'a;

/// An item that is written from where it lies, when no lock is held any more.
pub(super) struct Large {
    db: Db,
    key: Box<[u8]>,
    value: LargeValue,
    expires: Option<UnixMillis>,
}

/// Shares its bytes or elements with the store.
enum LargeValue {
    String(Bytes),
    List(List),
    Hash(Hash),
    Set(Set),
    ZSet(ZSet),
    Stream(Stream),
}

impl Large {
    /// Keeps `item`, if it is large; touches no element.
    pub(super) fn of(item: &Item<'_>) -> Option<Self> {
        let is_large = |heap_bytes| heap_bytes > COPIED_BYTES_MAX;
        let value = match item.value {
            ValueRef::String(StringRef::Shared(value)) => LargeValue::String(value.clone()),
            ValueRef::List(list) if is_large(list.heap_bytes()) => LargeValue::List(list.clone()),
            ValueRef::Hash(hash) if is_large(hash.heap_bytes()) => {
                LargeValue::Hash(hash.to_owned())
            }
            ValueRef::Set(set) if is_large(set.heap_bytes()) => LargeValue::Set(set.clone()),
            ValueRef::ZSet(zset) if is_large(zset.heap_bytes()) => LargeValue::ZSet(zset.clone()),
            ValueRef::Stream(stream) if is_large(stream.heap_bytes()) => {
                LargeValue::Stream(stream.clone())
            }
            _ => return None,
        };
        Some(Self {
            db: item.db,
            key: item.key.into(),
            value,
            expires: item.expires,
        })
    }
}

/// Writes one snapshot file from its header to its footer.
pub(super) struct BlockWriter<'a> {
    file: &'a LogFile,
    salt: u64,
    offset: u64,
    digest: Xxh3,
    blocks: u64,
    /// Room for the header of a block, then its payload.
    block: Vec<u8>,
    begins_inside: bool,
    after_block: &'a mut AfterBlock<'a>,
}

impl<'a> BlockWriter<'a> {
    /// Begins `file`, which is empty.
    pub(super) fn begin(
        file: &'a LogFile,
        header: &SnapshotHeader,
        after_block: &'a mut AfterBlock<'a>,
    ) -> Result<Self, SnapshotError> {
        let bytes = header.encode();
        let mut writer = Self {
            file,
            salt: header.salt,
            offset: 0,
            digest: Xxh3::new(),
            blocks: 0,
            block: vec![0; BLOCK_HEADER_BYTES],
            begins_inside: false,
            after_block,
        };
        writer.file.write_at(&bytes, 0)?;
        writer.wrote(&bytes);
        Ok(writer)
    }

    /// Bytes written so far.
    pub(super) fn bytes(&self) -> u64 {
        self.offset
    }

    /// Adds whole items, one after the other.
    pub(super) fn items(&mut self, records: &[u8]) -> Result<(), SnapshotError> {
        if records.len() + self.payload_bytes() > BLOCK_PAYLOAD_BYTES_MAX {
            self.end_block(BlockKind::Records, false)?;
        }
        self.put(records)?;
        if self.begins_inside || self.payload_bytes() >= BLOCK_PAYLOAD_BYTES_FULL {
            self.end_block(BlockKind::Records, false)?;
        }
        Ok(())
    }

    /// Adds a large item, in blocks of its own if it is very large.
    pub(super) fn large(&mut self, large: &Large) -> Result<(), SnapshotError> {
        let value = match &large.value {
            LargeValue::String(value) => return self.string(large, value),
            LargeValue::List(list) => ValueRef::List(list),
            LargeValue::Hash(hash) => ValueRef::Hash(hash.with_expired()),
            LargeValue::Set(set) => ValueRef::Set(set),
            LargeValue::ZSet(zset) => ValueRef::ZSet(zset),
            LargeValue::Stream(stream) => ValueRef::Stream(stream),
        };
        let item = Item {
            db: large.db,
            key: &large.key,
            value,
            expires: large.expires,
        };
        self.end_block(BlockKind::Records, false)?;
        let (mut record, mut put) = (Vec::new(), Ok(()));
        item.for_each_effect(&mut |effect| {
            if put.is_ok() {
                record.clear();
                encode_effect(Encoding::Binary, effect, &mut record);
                put = self.put(&record);
            }
        });
        put?;
        self.end_block(BlockKind::Records, false)
    }

    fn string(&mut self, large: &Large, value: &[u8]) -> Result<(), SnapshotError> {
        let (head, tail) = encode_around_large(large.db, &large.key, value.len(), large.expires);
        if value.len() <= COPIED_BYTES_MAX {
            return self.items(&[&head[..], value, &tail].concat());
        }
        self.parts(&[&head, value, &tail])
    }

    /// Adds one record, in blocks of its own if it is large.
    pub(super) fn record(&mut self, record: &[u8]) -> Result<(), SnapshotError> {
        match record.len() <= COPIED_BYTES_MAX {
            true => self.items(record),
            false => self.parts(&[record]),
        }
    }

    /// Adds one record that lies in parts, in blocks of its own.
    fn parts(&mut self, parts: &[&[u8]]) -> Result<(), SnapshotError> {
        self.end_block(BlockKind::Records, false)?;
        for part in parts {
            self.put(part)?;
        }
        self.end_block(BlockKind::Records, false)
    }

    /// Ends the file; returns its length in bytes. Nothing is synced here.
    pub(super) fn finish(mut self, keys: u64) -> Result<u64, SnapshotError> {
        self.end_block(BlockKind::Records, false)?;
        let footer = Footer {
            keys,
            blocks: self.blocks,
            bytes: self.offset,
            digest: self.digest.digest128(),
        };
        self.block.extend_from_slice(&footer.encode());
        self.end_block(BlockKind::Footer, false)?;
        Ok(self.offset)
    }

    fn payload_bytes(&self) -> usize {
        self.block.len() - BLOCK_HEADER_BYTES
    }

    /// Adds bytes; those that do not fit go on in the next block.
    fn put(&mut self, mut bytes: &[u8]) -> Result<(), SnapshotError> {
        loop {
            let room = BLOCK_PAYLOAD_BYTES_MAX - self.payload_bytes();
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.block.extend_from_slice(now);
            if later.is_empty() {
                return Ok(());
            }
            self.end_block(BlockKind::Records, true)?;
            bytes = later;
        }
    }

    /// Writes the block, if there is anything in it.
    fn end_block(&mut self, kind: BlockKind, ends_inside: bool) -> Result<(), SnapshotError> {
        let payload = &self.block[BLOCK_HEADER_BYTES..];
        if payload.is_empty() {
            return Ok(());
        }
        let header = BlockHeader {
            // At most `BLOCK_PAYLOAD_BYTES_MAX`.
            payload_bytes: u32::try_from(payload.len()).unwrap_or(u32::MAX),
            payload_checksum: crc32c::crc32c(payload),
            kind,
            begins_inside: self.begins_inside,
            ends_inside,
        };
        let header = header.encode(self.salt, self.offset);
        self.block[..BLOCK_HEADER_BYTES].copy_from_slice(&header);
        let block = std::mem::take(&mut self.block);
        self.file.write_at(&block, self.offset)?;
        self.wrote(&block);
        self.blocks += 1;
        self.begins_inside = ends_inside;
        let bytes = block.len() as u64;
        self.block = block;
        self.block.truncate(BLOCK_HEADER_BYTES);
        (self.after_block)(bytes)
    }

    fn wrote(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.offset += bytes.len() as u64;
    }
}
