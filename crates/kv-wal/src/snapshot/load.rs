//! A snapshot into a store, on several threads: one reads and checks blocks, the others decode and apply them. A
//! small one is read and applied on one thread.
//!
//! Each key is in one place of a snapshot only, so the order in which blocks are applied means nothing; blocks
//! that share an item go to the same thread, in order.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use kv_core::{Effect, Lsn};

use super::read::{Block, BlockReader};
use super::{Flawed, SnapshotInfo};
use crate::dir::{LogDir, SnapshotName};
use crate::format::{Cut, Footer, SNAPSHOT_VERSION, decode_front};
use crate::{OnProgress, OpenError, Progress};

/// Most threads that apply.
const APPLIERS_MAX: usize = 4;

/// A file of this size is not worth other threads, in bytes.
const SMALL_BYTES: u64 = 256 << 10;

/// Blocks that wait for a thread.
const BLOCKS_AHEAD: usize = 4;

/// Progress is told each time this many more blocks were read.
const BLOCKS_BETWEEN_PROGRESS: u64 = 16;

/// Takes the effects of a snapshot, from several threads.
pub(crate) type ApplyAny<'a> = dyn Fn(&Effect<'_>) -> Result<(), OpenError> + Sync + 'a;

/// A snapshot that is of no use.
pub(crate) enum Unloaded {
    /// It is damaged or cannot be read. What was applied must be dropped.
    Useless(OpenError),
    /// Its contents were refused.
    Refused(OpenError),
}

/// Shows everything in the snapshot `name` to `apply`.
pub(crate) fn load(
    dir: &LogDir,
    name: SnapshotName,
    database: [u8; 16],
    on_progress: Option<&OnProgress>,
    apply: &ApplyAny<'_>,
) -> Result<SnapshotInfo, Unloaded> {
    try_load(dir, name, database, on_progress, apply).map_err(|flaw| {
        let file = dir.snapshot_path(name);
        Unloaded::Useless(match flaw {
            Flawed::Refused(error) => return Unloaded::Refused(error),
            Flawed::Damaged { offset, why } => OpenError::Damaged {
                file,
                offset,
                first_lost_lsn: Lsn(1),
                why,
            },
            Flawed::Version(found) => OpenError::Unsupported {
                file,
                found,
                supported: SNAPSHOT_VERSION,
            },
            Flawed::Io(failure) => failure.into(),
        })
    })
}

/// Reads everything in the snapshot `name`, which must be whole.
pub(crate) fn verify(
    dir: &LogDir,
    name: SnapshotName,
    database: [u8; 16],
) -> Result<(), OpenError> {
    match load(dir, name, database, None, &|_| Ok(())) {
        Ok(_) => Ok(()),
        Err(Unloaded::Useless(error) | Unloaded::Refused(error)) => Err(error),
    }
}

fn try_load(
    dir: &LogDir,
    name: SnapshotName,
    database: [u8; 16],
    on_progress: Option<&OnProgress>,
    apply: &ApplyAny<'_>,
) -> Result<SnapshotInfo, Flawed> {
    let file = match dir.open_snapshot(name) {
        Err(failure) if failure.is_not_found() => {
            return Err(Flawed::damaged(0, "the file is missing"));
        }
        file => file?,
    };
    // What a crashed process may have left in the kernel's cache must not be trusted now and lost later.
    file.sync_data()?;
    let mut reader = BlockReader::begin(&file, database, name.lsn)?;
    let shared = Shared {
        apply,
        effects: AtomicU64::new(0),
        stopped: AtomicBool::new(false),
    };
    let footer = if reader.file_bytes <= SMALL_BYTES {
        let mut applier = Applier::default();
        read_all(&mut reader, &shared, on_progress, |block, _| {
            shared.apply_block(&mut applier, &block)
        })?
    } else {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        load_beside(&mut reader, &shared, on_progress, cores)?
    };
    Ok(SnapshotInfo {
        lsn: name.lsn,
        keys: footer.keys,
        bytes: reader.file_bytes,
        made: reader.header.made,
        ..SnapshotInfo::default()
    })
}

/// Reads all blocks, while other threads apply them.
fn load_beside(
    reader: &mut BlockReader<'_>,
    shared: &Shared<'_, '_>,
    on_progress: Option<&OnProgress>,
    cores: usize,
) -> Result<Footer, Flawed> {
    thread::scope(|scope| {
        let (senders, appliers): (Vec<_>, Vec<_>) = (0..cores.clamp(1, APPLIERS_MAX))
            .map(|_| {
                let (sender, receiver) = sync_channel(BLOCKS_AHEAD);
                (sender, scope.spawn(move || shared.apply_all(&receiver)))
            })
            .unzip();
        let read = hand_out(reader, senders, shared, on_progress);
        for applier in appliers {
            match applier.join() {
                Ok(applied) => applied?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        read
    })
}

/// Reads all blocks and gives each to one of the threads.
fn hand_out(
    reader: &mut BlockReader<'_>,
    senders: Vec<SyncSender<Block>>,
    shared: &Shared<'_, '_>,
    on_progress: Option<&OnProgress>,
) -> Result<Footer, Flawed> {
    let mut turn = 0;
    read_all(reader, shared, on_progress, |block, offset| {
        if !block.begins_inside {
            turn = (turn + 1) % senders.len();
        }
        // A thread that has stopped tells why when it is joined.
        if shared.stopped.load(Relaxed) || senders[turn].send(block).is_err() {
            return Err(Flawed::damaged(offset, "a block was not applied"));
        }
        Ok(())
    })
}

/// Reads all blocks and shows each to `take`, with the offset behind it.
fn read_all(
    reader: &mut BlockReader<'_>,
    shared: &Shared<'_, '_>,
    on_progress: Option<&OnProgress>,
    mut take: impl FnMut(Block, u64) -> Result<(), Flawed>,
) -> Result<Footer, Flawed> {
    let mut blocks = 0;
    loop {
        let block = match reader.next()? {
            Ok(block) => block,
            Err(footer) => return Ok(footer),
        };
        take(block, reader.offset)?;
        blocks += 1;
        if let Some(on_progress) = on_progress
            && blocks % BLOCKS_BETWEEN_PROGRESS == 0
        {
            on_progress(&Progress {
                bytes_done: reader.offset,
                bytes_total: reader.file_bytes,
                effects: shared.effects.load(Relaxed),
                segment: 0,
            });
        }
    }
}

/// Applies blocks one after the other.
#[derive(Default)]
struct Applier {
    /// What the last block left of a record that goes on in the next.
    begun: Vec<u8>,
}

/// What the threads of one load share.
struct Shared<'a, 'p> {
    apply: &'a ApplyAny<'p>,
    effects: AtomicU64,
    stopped: AtomicBool,
}

impl Shared<'_, '_> {
    fn apply_all(&self, blocks: &Receiver<Block>) -> Result<(), Flawed> {
        let applied = self.try_apply_all(blocks);
        if applied.is_err() {
            self.stopped.store(true, Relaxed);
        }
        applied
    }

    fn try_apply_all(&self, blocks: &Receiver<Block>) -> Result<(), Flawed> {
        let mut applier = Applier::default();
        for block in blocks {
            self.apply_block(&mut applier, &block)?;
        }
        Ok(())
    }

    fn apply_block(&self, Applier { begun }: &mut Applier, block: &Block) -> Result<(), Flawed> {
        let rest = if begun.is_empty() {
            let taken = self.apply_front(&block.payload, block.offset)?;
            &block.payload[taken..]
        } else {
            begun.extend_from_slice(&block.payload);
            let taken = self.apply_front(begun, block.offset)?;
            begun.drain(..taken);
            &[]
        };
        begun.extend_from_slice(rest);
        if !block.ends_inside && !begun.is_empty() {
            return Err(Flawed::damaged(
                block.offset,
                "a block ends inside a record",
            ));
        }
        Ok(())
    }

    /// Applies all whole records at the front of `bytes`; how long they are.
    fn apply_front(&self, bytes: &[u8], offset: u64) -> Result<usize, Flawed> {
        let (mut taken, mut effects) = (0, 0);
        while taken < bytes.len() {
            let front = decode_front(&bytes[taken..]);
            match front.map_err(|flaw| Flawed::damaged(offset, flaw.to_string()))? {
                Cut::Part => break,
                Cut::Whole(effect, length) => {
                    (self.apply)(&effect).map_err(Flawed::Refused)?;
                    taken += length;
                    effects += 1;
                }
            }
        }
        self.effects.fetch_add(effects, Relaxed);
        Ok(taken)
    }
}
