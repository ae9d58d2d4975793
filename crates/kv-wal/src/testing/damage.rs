//! Ways to damage a log, each of which knows what it touched and can be undone.

use std::collections::BTreeMap;
use std::ops::Range;

use super::MemFs;
use super::chance::Chance;
use super::image::Image;
use crate::format::{FRAME_HEADER_BYTES, FrameHeader, Place, SEGMENT_HEADER_BYTES, SegmentHeader};

/// What a disk writes at once, in bytes.
pub(super) const SECTOR_BYTES: usize = 512;

/// Damage done to the files of an image.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// What it is, for people.
    pub(super) told: Vec<String>,
    /// Parts of files that are not what they were.
    pub(super) touched: Vec<(String, Range<usize>)>,
    /// Whether checksums were made right again, so that only the decoder behind them can object.
    pub(super) forged: bool,
    before: BTreeMap<String, Vec<u8>>,
}

impl Damage {
    /// Puts the files back as they were.
    pub(super) fn undo(self, disk: &MemFs) {
        disk.restore(&self.before);
    }

    /// Whether `range` of `file` is as it was.
    pub(super) fn spares(&self, file: &str, range: &Range<usize>) -> bool {
        self.touched.iter().all(|(touched, part)| {
            touched != file || part.end <= range.start || range.end <= part.start
        })
    }

    /// One to three kinds of damage at once.
    pub(super) fn by_chance(image: &Image, chance: &mut Chance) -> Self {
        let mut damage = Self {
            before: image.disk.files(),
            ..Self::default()
        };
        if chance.one_in(4) {
            damage.forge(image, chance);
            return damage;
        }
        for _ in 0..1 + chance.below(3) {
            damage.once(image, chance);
        }
        damage
    }

    fn once(&mut self, image: &Image, chance: &mut Chance) {
        let files = image.disk.files();
        let names: Vec<_> = files.keys().cloned().collect();
        if names.is_empty() {
            return;
        }
        let (last, unsynced_from) = &image.unsynced;
        // Often where a crash can do damage, which recovery has to put up with.
        let (name, from) = if chance.one_in(3) && files.contains_key(last) {
            (last, *unsynced_from)
        } else {
            (chance.pick(&names), 0)
        };
        let length = files[name].len();
        let from = from.min(length);
        let at = from + chance.below((length - from).max(1));
        let some = at..(at + 1 + chance.below(64)).min(length);
        let sector = (at / SECTOR_BYTES * SECTOR_BYTES).max(from);
        let sector = sector..(sector + SECTOR_BYTES).min(length);
        match chance.below(10) {
            0 | 1 => self.write(image, name, some, "garbage", |bytes| {
                bytes.copy_from_slice(&chance.bytes(bytes.len()));
            }),
            2 => self.write(image, name, some, "zeros", |bytes| bytes.fill(0)),
            3 => self.write(image, name, sector, "zero sector", |bytes| bytes.fill(0)),
            4 => self.write(image, name, sector, "garbage sector", |bytes| {
                bytes.copy_from_slice(&chance.bytes(bytes.len()));
            }),
            5 => self.write(image, name, at..length, "zeros to the end", |bytes| {
                bytes.fill(0)
            }),
            6 => self.cut(image, name, at),
            7 => self.copy_frame(image, chance),
            8 => self.remove(image, name),
            _ => self.write(image, name, some, "one bit", |bytes| {
                if let Some(byte) = bytes.first_mut() {
                    *byte ^= 1 << chance.below(8);
                }
            }),
        }
    }

    /// Lets `write` change a part of a file, if there still is such a part.
    fn write(
        &mut self,
        image: &Image,
        name: &str,
        range: Range<usize>,
        what: &str,
        write: impl FnOnce(&mut [u8]),
    ) {
        self.told.push(format!("{what} in {name} at {range:?}"));
        if !image.names().iter().any(|there| there == name) {
            return;
        }
        image.disk.change(name, |bytes| {
            if let Some(part) = bytes.get_mut(range.clone()) {
                write(part);
            }
        });
        self.touched.push((name.into(), range));
    }

    fn cut(&mut self, image: &Image, name: &str, length: usize) {
        self.told.push(format!("{name} cut to {length}"));
        image.disk.change(name, |bytes| bytes.truncate(length));
        self.touched.push((name.into(), length..usize::MAX));
    }

    fn remove(&mut self, image: &Image, name: &str) {
        self.told.push(format!("{name} removed"));
        image.disk.forget(name);
        self.touched.push((name.into(), 0..usize::MAX));
    }

    /// An old frame appears where it never was.
    fn copy_frame(&mut self, image: &Image, chance: &mut Chance) {
        let from = chance.pick(&image.frames).clone();
        let to = chance.pick(&image.frames).clone();
        let files = image.disk.files();
        let frame = files
            .get(&from.file)
            .and_then(|bytes| bytes.get(from.range));
        if let Some(frame) = frame {
            let range = to.range.start..to.range.start + frame.len();
            self.write(image, &to.file, range, "another frame", |bytes| {
                bytes.copy_from_slice(frame);
            });
        }
    }

    /// Changes a frame and makes its checksums right again.
    fn forge(&mut self, image: &Image, chance: &mut Chance) {
        self.forged = true;
        let frame = chance.pick(&image.frames).clone();
        let changes = 1 + chance.below(4);
        let range = frame.range.clone();
        let length = range.len();
        self.write(image, &frame.file, range, "forged frame", |bytes| {
            for _ in 0..changes {
                let at = chance.below(length);
                bytes[at] = if chance.one_in(2) {
                    chance.byte()
                } else {
                    bytes[at] ^ 1
                };
            }
        });
        image
            .disk
            .change(&frame.file, |bytes| rechecksum(bytes, frame.range));
    }

    /// Changes one byte of the payload of the first frame and makes its checksums right again, without
    /// saying so: what nothing but the oracle can notice.
    pub(super) fn canary(image: &Image) -> Self {
        let mut damage = Self {
            before: image.disk.files(),
            ..Self::default()
        };
        let frame = image.frames[0].clone();
        let last = frame.range.start + FRAME_HEADER_BYTES + 3;
        damage.write(image, &frame.file, last..last + 1, "canary", |bytes| {
            bytes[0] ^= 1
        });
        image
            .disk
            .change(&frame.file, |bytes| rechecksum(bytes, frame.range));
        damage
    }

    /// One change that its maker undoes.
    pub(super) fn single(told: String, file: &str, range: Range<usize>) -> Self {
        Self {
            told: vec![told],
            touched: vec![(file.into(), range)],
            ..Self::default()
        }
    }
}

/// Makes the checksums of the frame in `range` of a segment right.
pub(super) fn rechecksum(segment: &mut [u8], range: Range<usize>) {
    let header = segment
        .get(..SEGMENT_HEADER_BYTES)
        .map(SegmentHeader::decode);
    let (Some(Ok((header, _))), Some(frame)) = (header, segment.get_mut(range.clone())) else {
        return;
    };
    let place = Place {
        salt: header.salt,
        segment: header.number,
        offset: range.start as u64,
    };
    FrameHeader::rechecksum(frame, place);
}
