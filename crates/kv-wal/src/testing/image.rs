//! A log of several small segments in memory, with all that is known about it: what was written, which frame
//! lies where, and what each part proves to be durable.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use kv_core::{Db, Effect, Lsn, StringValue, UnixMillis};

use super::MemFs;
use super::chance::Chance;
use crate::Encoding;
use crate::batch::FrameBuffer;
use crate::dir::LogDir;
use crate::file::IoFailure;
use crate::format::{FrameKind, SEGMENT_HEADER_BYTES, SegmentHeader, VERSION, encode_effect};
use crate::fs::Fs;
use crate::manifest::Manifest;
use crate::segment::{Blank, LiveSegment};

/// Room for frames in each segment, in bytes.
const FRAMES_BYTES: u64 = 700;

/// How the log of an image ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With an orderly shutdown.
    Clean,
    /// In the middle: some frames at the end were never synced.
    Killed,
}

/// A part of a file that proves that effects were durable, for as long as it is intact.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    pub(super) file: String,
    pub(super) range: Range<usize>,
    pub(super) durable: Lsn,
}

/// A log and what is known about it.
pub(super) struct Image {
    pub(super) disk: MemFs,
    /// The files as they were written.
    pub(super) written: BTreeMap<String, Vec<u8>>,
    /// Every effect, in order, in the binary encoding.
    pub(super) effects: Vec<Vec<u8>>,
    pub(super) evidence: Vec<Evidence>,
    /// All frames, marks included.
    pub(super) frames: Vec<Evidence>,
    /// The last segment, and where the part of it begins that was never synced.
    pub(super) unsynced: (String, usize),
}

impl Image {
    /// A log with `segments` segments of effects picked by `chance`.
    pub(super) fn new(encoding: Encoding, ending: Ending, segments: u64, chance: Chance) -> Self {
        let disk = MemFs::new();
        let dir = LogDir::open(&disk, Path::new("image")).expect("a disk in memory does not fail");
        Builder::new(dir, &disk, encoding, chance)
            .and_then(|builder| builder.build(ending, segments))
            .expect("a disk in memory does not fail")
            .image(disk)
    }

    /// The names of the files, the segments in their order.
    pub(super) fn names(&self) -> Vec<String> {
        self.disk.files().into_keys().collect()
    }
}

struct Builder {
    dir: LogDir,
    salts: MemFs,
    encoding: Encoding,
    chance: Chance,
    manifest: Manifest,
    live: LiveSegment,
    effects: Vec<Vec<u8>>,
    evidence: Vec<Evidence>,
    frames: Vec<Evidence>,
    synced: Lsn,
    synced_end: u64,
}

impl Builder {
    fn new(
        dir: LogDir,
        disk: &MemFs,
        encoding: Encoding,
        mut chance: Chance,
    ) -> Result<Self, IoFailure> {
        let id = u128::from(chance.number());
        let manifest = Manifest {
            database: id.to_be_bytes(),
            first_segment: 1,
            newest_segment: 1,
            durable: Lsn::ZERO,
            older: None,
            newest: None,
        };
        let header = SegmentHeader {
            version: VERSION,
            database: manifest.database,
            number: 1,
            first_lsn: Lsn(1),
            salt: chance.number(),
            capacity: 0,
            predecessor: None,
            encoding,
            unsynced_max: 0,
            epoch: 0,
        };
        let live = LiveSegment::publish(&dir, blank(&dir)?, header)?;
        Ok(Self {
            dir,
            salts: disk.clone(),
            encoding,
            chance,
            manifest,
            synced: Lsn::ZERO,
            synced_end: live.end(),
            live,
            effects: Vec::new(),
            evidence: Vec::new(),
            frames: Vec::new(),
        })
    }

    fn build(mut self, ending: Ending, segments: u64) -> Result<Self, IoFailure> {
        loop {
            let mut frame = FrameBuffer::default();
            let effects = 1 + self.chance.below(3);
            for _ in 0..effects {
                self.push_effect(&mut frame);
            }
            if !self.live.fits(frame.frame_bytes()) {
                if self.live.number() == segments {
                    self.effects.truncate(self.effects.len() - effects);
                    break;
                }
                self.rotate()?;
            }
            self.append(&mut frame)?;
            // Under `always` each frame is synced before the next; else now and then.
            if self.chance.one_in(2) {
                self.sync();
            }
        }
        self.end(ending)?;
        self.manifest.replace(&self.dir)?;
        Ok(self)
    }

    fn push_effect(&mut self, frame: &mut FrameBuffer) {
        let chance = &mut self.chance;
        let key = [b"key:".to_vec(), chance.below(9).to_string().into_bytes()].concat();
        let value = chance.bytes(1 + chance.clone().below(20));
        let db = Db(0);
        let key = key.as_slice();
        let effect = match chance.below(8) {
            0 => Effect::Delete { db, key },
            1 => Effect::AppendString {
                db,
                key,
                suffix: &value,
            },
            2 => Effect::SetExpiry {
                db,
                key,
                expires: Some(UnixMillis(i64::MAX)),
            },
            3 => Effect::SetString {
                db,
                key,
                value: StringValue::Int(i64::from(chance.byte())),
                expires: None,
            },
            _ => Effect::SetString {
                db,
                key,
                value: StringValue::new(&value),
                expires: None,
            },
        };
        let mut encoded = Vec::new();
        encode_effect(self.encoding, &effect, &mut encoded);
        let lsn = Lsn(self.effects.len() as u64 + 1);
        frame.push(&encoded, 1, lsn);
        let mut plain = Vec::new();
        encode_effect(Encoding::Binary, &effect, &mut plain);
        self.effects.push(plain);
    }

    fn append(&mut self, frame: &mut FrameBuffer) -> Result<(), IoFailure> {
        let from = self.live.end();
        self.live.append(frame, self.synced)?;
        self.remember_frame(from);
        Ok(())
    }

    fn mark(&mut self, kind: FrameKind) -> Result<(), IoFailure> {
        let from = self.live.end();
        self.live.mark(kind, self.synced)?;
        self.remember_frame(from);
        Ok(())
    }

    fn remember_frame(&mut self, from: u64) {
        let frame = self.part(from, self.live.end(), self.synced);
        self.evidence.push(frame.clone());
        self.frames.push(frame);
    }

    fn part(&self, from: u64, to: u64, durable: Lsn) -> Evidence {
        let name = self.live.file().path().file_name().unwrap_or_default();
        let place = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
        Evidence {
            file: name.to_string_lossy().into_owned(),
            range: place(from)..place(to),
            durable,
        }
    }

    fn sync(&mut self) {
        self.synced = self.live.last_lsn();
        self.synced_end = self.live.end();
    }

    fn rotate(&mut self) -> Result<(), IoFailure> {
        self.mark(FrameKind::Seal)?;
        self.sync();
        let header = self.live.successor(self.salts.random());
        self.live = LiveSegment::publish(&self.dir, blank(&self.dir)?, header)?;
        self.synced_end = self.live.end();
        // The header names the end of the one before, all of which is durable.
        let header = self.part(0, SEGMENT_HEADER_BYTES as u64, self.synced);
        self.evidence.push(header);
        self.manifest.newest_segment = self.live.number();
        self.manifest.durable = self.synced;
        Ok(())
    }

    fn end(&mut self, ending: Ending) -> Result<(), IoFailure> {
        match ending {
            Ending::Clean => {
                self.sync();
                self.mark(FrameKind::Clean)?;
                self.live.cut()?;
                self.manifest.durable = self.synced;
                self.synced_end = self.live.end();
            }
            // What came after the last sync stays unproven.
            Ending::Killed => {}
        }
        Ok(())
    }

    fn image(self, disk: MemFs) -> Image {
        let mut evidence = self.evidence;
        let durable = self.manifest.durable;
        let written = disk.files();
        for (file, bytes) in &written {
            if !file.ends_with(".log") {
                let range = 0..bytes.len();
                evidence.push(Evidence {
                    file: file.clone(),
                    range,
                    durable,
                });
            }
        }
        let last = self.live.file().path().file_name().unwrap_or_default();
        Image {
            disk,
            written,
            effects: self.effects,
            evidence,
            frames: self.frames,
            unsynced: (
                last.to_string_lossy().into_owned(),
                usize::try_from(self.synced_end).unwrap_or(usize::MAX),
            ),
        }
    }
}

fn blank(dir: &LogDir) -> Result<Blank, IoFailure> {
    let bytes = SEGMENT_HEADER_BYTES as u64 + FRAMES_BYTES;
    Blank::make(dir, 0, bytes, || Ok(()))
}
