//! Blocks: short runs of entries in one allocation, the leaves of a stream.
//!
//! ```text
//! names: field names of the first entry          (each behind its length)
//! bytes: length | ms | seq | count * 2 + shared | (name) value | (name) value ...
//! ```
//!
//! The milliseconds of an entry count from those of the block's base, and within these its number does too. An entry
//! whose field names are those of the block (`shared`) holds values only. All numbers are of seven bits a byte.
//!
//! Invariant: the IDs of a block ascend, and none is below its base.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::super::elements::take_number;
use super::super::tree::{Bias, Leaf};
use super::super::value_limits::ValueLimits;
use super::StreamId;
use crate::Elements;

/// How large a block may grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Room {
    entries: usize,
    bytes: usize,
}

impl Room {
    /// What `limits` say, where 0 is no limit: then it is one that keeps a change short.
    pub(super) fn of(limits: &ValueLimits) -> Self {
        const ENTRIES_MAX: usize = 10_000;
        const BYTES_MAX: usize = 1 << 20;

        let within = |limit: usize, most: usize| if limit == 0 { most } else { limit.min(most) };
        Self {
            entries: within(limits.stream_node_entries.load(Relaxed), ENTRIES_MAX),
            bytes: within(limits.stream_node_bytes.load(Relaxed), BYTES_MAX),
        }
    }
}

/// A short run of entries.
#[derive(Clone, Debug)]
pub(super) struct Block {
    base: StreamId,
    names: Names,
    bytes: Vec<u8>,
    count: usize,
    /// What it is split by: the limits at its latest growth.
    room: Room,
}

/// Field names that entries of a block share.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Names {
    count: usize,
    bytes: Arc<[u8]>,
}

impl Names {
    fn elements(&self) -> Elements<'_> {
        Elements::of_prefixed(self.count, &self.bytes)
    }
}

impl Default for Block {
    fn default() -> Self {
        Self {
            base: StreamId::MIN,
            names: Names {
                count: 0,
                bytes: Arc::default(),
            },
            bytes: Vec::new(),
            count: 0,
            room: Room::default(),
        }
    }
}

/// One entry: its ID, and its fields in the order in which they were given.
#[derive(Clone, Copy, Debug)]
pub struct StreamEntry<'a> {
    id: StreamId,
    /// `None`: they stand before their values.
    names: Option<Elements<'a>>,
    rest: Elements<'a>,
}

impl<'a> StreamEntry<'a> {
    /// Its ID.
    #[must_use]
    pub const fn id(&self) -> StreamId {
        self.id
    }

    /// How many fields it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        match &self.names {
            Some(_) => self.rest.len(),
            None => self.rest.len() / 2,
        }
    }

    /// Whether it has no field.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its fields, each with its value.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut names = self.names.map(|names| names.iter());
        let mut rest = self.rest.iter();
        std::iter::from_fn(move || {
            let name = match &mut names {
                Some(names) => names.next()?,
                None => rest.next()?,
            };
            Some((name, rest.next()?))
        })
    }

    /// Its fields as effects carry them: a name, its value, the next name.
    #[must_use]
    pub fn words(&self) -> Vec<&'a [u8]> {
        self.fields()
            .flat_map(|(name, value)| [name, value])
            .collect()
    }
}

impl Block {
    /// Adds an entry behind the last: a name, its value, the next name.
    pub(super) fn push(&mut self, id: StreamId, fields: Elements<'_>, room: Room) {
        self.room = room;
        if self.count == 0 {
            self.base = id;
            let mut bytes = Vec::new();
            fields
                .pairs()
                .for_each(|(name, _)| put_string(&mut bytes, name));
            self.names = Names {
                count: fields.len() / 2,
                bytes: bytes.into(),
            };
        }
        let is_shared = self
            .names
            .elements()
            .iter()
            .eq(fields.pairs().map(|(name, _)| name));
        let ms = id.ms - self.base.ms;
        let seq = if ms == 0 {
            id.seq - self.base.seq
        } else {
            id.seq
        };
        let mut entry = Vec::new();
        put_number(&mut entry, ms);
        put_number(&mut entry, seq);
        put_number(&mut entry, fields.len() as u64 | u64::from(is_shared));
        for (name, value) in fields.pairs() {
            if !is_shared {
                put_string(&mut entry, name);
            }
            put_string(&mut entry, value);
        }
        let needed = entry.len() + 10;
        if self.bytes.len() + needed > self.bytes.capacity() {
            self.bytes.reserve_exact(needed.max(self.bytes.len() / 4));
        }
        put_string(&mut self.bytes, &entry);
        self.count += 1;
    }

    /// Removes the entry at `offset`, which must be there.
    pub(super) fn remove(&mut self, offset: usize) {
        self.cut(offset..offset + 1);
    }

    /// All entries, in order.
    pub(super) fn iter(&self) -> BlockIter<'_> {
        BlockIter {
            block: self,
            rest: &self.bytes,
        }
    }

    /// How many entries stand before `id`.
    pub(super) fn count_before(&self, id: StreamId) -> usize {
        self.iter().take_while(|entry| entry.id < id).count()
    }

    /// Where the entry at `offset` begins, or the end.
    fn place(&self, offset: usize) -> usize {
        let mut iter = self.iter();
        for _ in 0..offset {
            iter.pass();
        }
        self.bytes.len() - iter.rest.len()
    }

    fn part(&self, bytes: Vec<u8>, count: usize) -> Self {
        Self {
            base: self.base,
            names: self.names.clone(),
            bytes,
            count,
            room: self.room,
        }
    }
}

impl Leaf for Block {
    type Key = StreamId;

    fn len(&self) -> usize {
        self.count
    }

    fn first(&self) -> Option<StreamId> {
        self.iter().next().map(|entry| entry.id)
    }

    fn heap_bytes(&self) -> usize {
        /// The block itself, the counts of its two `Arc`s, and what a branch notes of it.
        const OWN_BYTES: usize = size_of::<Block>() + 32 + 48;

        OWN_BYTES + self.bytes.capacity() + self.names.bytes.len()
    }

    fn is_over(&self) -> bool {
        self.count > 1 && (self.count > self.room.entries || self.bytes.len() > self.room.bytes)
    }

    fn is_under(&self) -> bool {
        self.count < self.room.entries / 4 && self.bytes.len() < self.room.bytes / 4
    }

    fn has_room_for(&self, next: &Self) -> bool {
        self.count + next.count <= self.room.entries / 4 * 3
            && self.bytes.len() + next.bytes.len() <= self.room.bytes / 4 * 3
    }

    fn split(&mut self, bias: Bias) -> Self {
        let kept = bias.kept(self.count);
        let bytes = self.bytes.split_off(self.place(kept));
        let next = self.part(bytes, self.count - kept);
        self.count = kept;
        self.bytes.shrink_to_fit();
        // What comes behind gets a base and names of its own.
        let mut own = Self::default();
        own.join(next);
        own
    }

    fn join(&mut self, next: Self) {
        let room = next.room;
        for entry in next.iter() {
            self.push(entry.id, Elements::new(&entry.words()), room);
        }
    }

    fn cut(&mut self, range: Range<usize>) -> Self {
        let bytes = self.place(range.start)..self.place(range.end);
        let bytes = self.bytes.drain(bytes).collect();
        let cut = self.part(bytes, range.len());
        self.count -= cut.count;
        if self.bytes.len() < self.bytes.capacity() / 4 {
            self.bytes.shrink_to_fit();
        }
        cut
    }
}

/// The entries of a block, in order.
#[derive(Clone, Debug)]
pub(super) struct BlockIter<'a> {
    block: &'a Block,
    rest: &'a [u8],
}

impl<'a> BlockIter<'a> {
    /// The bytes of the next entry, which is passed.
    fn pass(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(take_number(&mut self.rest)?).ok()?;
        let (entry, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(entry)
    }
}

impl<'a> Iterator for BlockIter<'a> {
    type Item = StreamEntry<'a>;

    fn next(&mut self) -> Option<StreamEntry<'a>> {
        let mut bytes = self.pass()?;
        let ms = take_number(&mut bytes)?;
        let seq = take_number(&mut bytes)?;
        let words = take_number(&mut bytes)?;
        let base = self.block.base;
        let id = match ms {
            0 => StreamId::new(base.ms, base.seq + seq),
            ms => StreamId::new(base.ms + ms, seq),
        };
        let count = usize::try_from(words & !1).ok()?;
        let is_shared = words & 1 == 1;
        Some(StreamEntry {
            id,
            names: is_shared.then(|| self.block.names.elements()),
            rest: Elements::of_prefixed(if is_shared { count / 2 } else { count }, bytes),
        })
    }
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        let [low, ..] = number.to_le_bytes();
        out.push(low | 0x80);
        number >>= 7;
    }
    let [low, ..] = number.to_le_bytes();
    out.push(low);
}

fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
