//! The blocks of a snapshot file, each after its checksums were found right, and at the end the proof that
//! there were no others.
//!
//! Invariant: no more memory is taken than one block, whatever the file says.

use kv_core::Lsn;
use xxhash_rust::xxh3::Xxh3;

use super::Flawed;
use crate::dir::{LogDir, SnapshotName};
use crate::file::{IoFailure, LogFile};
use crate::format::{
    BLOCK_HEADER_BYTES, BlockHeader, BlockKind, Footer, SNAPSHOT_HEADER_BYTES, SnapshotFlaw,
    SnapshotHeader,
};

/// One block of records.
pub(super) struct Block {
    pub(super) payload: Vec<u8>,
    pub(super) begins_inside: bool,
    pub(super) ends_inside: bool,
    /// Where it stands in the file.
    pub(super) offset: u64,
}

/// The database that a snapshot says it is of, if its header is intact.
pub(crate) fn database_of(dir: &LogDir, name: SnapshotName) -> Result<Option<[u8; 16]>, IoFailure> {
    let mut bytes = [0; SNAPSHOT_HEADER_BYTES];
    let length = dir.open_snapshot(name)?.read_full(&mut bytes, 0)?;
    let header = (length == bytes.len()).then(|| SnapshotHeader::decode(&bytes).ok());
    Ok(header.flatten().map(|header| header.database))
}

/// Reads a snapshot from its first block on.
pub(super) struct BlockReader<'f> {
    file: &'f LogFile,
    pub(super) header: SnapshotHeader,
    pub(super) file_bytes: u64,
    pub(super) offset: u64,
    digest: Xxh3,
    blocks: u64,
    /// Whether the last block ended inside an item.
    inside: bool,
}

impl<'f> BlockReader<'f> {
    /// Begins `file`, which must be the snapshot of `database` as of `lsn`. What is read comes from the disk
    /// where the file system allows it.
    pub(super) fn begin(file: &'f LogFile, database: [u8; 16], lsn: Lsn) -> Result<Self, Flawed> {
        file.drop_cache();
        let file_bytes = file.len()?;
        let mut bytes = [0; SNAPSHOT_HEADER_BYTES];
        if file.read_full(&mut bytes, 0)? < bytes.len() {
            return Err(Flawed::damaged(0, "the file ends inside the header"));
        }
        let header = match SnapshotHeader::decode(&bytes) {
            Ok(header) => header,
            Err(SnapshotFlaw::Version(version)) => return Err(Flawed::Version(version)),
            Err(flaw) => return Err(Flawed::damaged(0, flaw.to_string())),
        };
        if header.database != database {
            return Err(Flawed::damaged(
                0,
                "the snapshot belongs to another database",
            ));
        }
        if header.lsn != lsn {
            return Err(Flawed::damaged(0, "the snapshot has been renamed"));
        }
        let mut digest = Xxh3::new();
        digest.update(&bytes);
        Ok(Self {
            file,
            header,
            file_bytes,
            offset: bytes.len() as u64,
            digest,
            blocks: 0,
            inside: false,
        })
    }

    /// The next block of records, or the footer, which proves that the file is whole.
    pub(super) fn next(&mut self) -> Result<Result<Block, Footer>, Flawed> {
        let offset = self.offset;
        let mut head = [0; BLOCK_HEADER_BYTES];
        if self.file.read_full(&mut head, offset)? < head.len() {
            return Err(Flawed::damaged(
                offset,
                "the file ends without its last block",
            ));
        }
        let header = BlockHeader::decode(&head, self.header.salt, offset)
            .map_err(|flaw| Flawed::damaged(offset, flaw.to_string()))?
            .ok_or_else(|| Flawed::damaged(offset, "the checksum of a block header is wrong"))?;
        let mut payload = vec![0; header.payload_bytes as usize];
        let payload_at = offset + head.len() as u64;
        if self.file.read_full(&mut payload, payload_at)? < payload.len() {
            return Err(Flawed::damaged(offset, "the file ends inside a block"));
        }
        if crc32c::crc32c(&payload) != header.payload_checksum {
            return Err(Flawed::damaged(offset, "the checksum of a block is wrong"));
        }
        if header.begins_inside != self.inside {
            return Err(Flawed::damaged(
                offset,
                "a block does not follow the one before",
            ));
        }
        if header.kind == BlockKind::Footer {
            return self
                .end(&payload, payload_at + payload.len() as u64)
                .map(Err);
        }
        self.digest.update(&head);
        self.digest.update(&payload);
        self.blocks += 1;
        self.offset = payload_at + payload.len() as u64;
        self.inside = header.ends_inside;
        Ok(Ok(Block {
            payload,
            begins_inside: header.begins_inside,
            ends_inside: header.ends_inside,
            offset,
        }))
    }

    /// Checks the footer, which ends at `end`, against everything before it.
    fn end(&self, payload: &[u8], end: u64) -> Result<Footer, Flawed> {
        let flawed = |why: &str| Flawed::damaged(self.offset, why);
        let footer = Footer::decode(payload).map_err(|flaw| flawed(&flaw.to_string()))?;
        if end != self.file_bytes {
            return Err(flawed("there is something behind the last block"));
        }
        if (footer.blocks, footer.bytes) != (self.blocks, self.offset) {
            return Err(flawed("the last block counts other blocks than there are"));
        }
        if footer.digest != self.digest.digest128() {
            return Err(flawed("the digest of the file is wrong"));
        }
        Ok(footer)
    }
}
