//! Segments into effects: what a directory holds, where it stops, and whether it may stop there.
//!
//! The frames of a segment stop at the first place where there is no whole frame. Whether that is the end
//! of the log, an unfinished tail, or damage, is decided by what proves that more had been there:
//!
//! - a successor names the end of its predecessor, with its last LSN and checksum: stopping anywhere else is
//!   damage;
//! - the manifest names the newest segment and an LSN that was durable: not reaching them is damage;
//! - in the last segment, a later frame that says that something missing had been synced: damage;
//! - a frame there that one flipped bit would make whole: damage, no unfinished write leaves that (`flip`);
//! - zeros from here: the log ends here; anything else: an unfinished tail, which is dropped.
//!
//! Invariant: nothing is written here. What is dropped stays in the file; the next segment names the end.
//! Invariant: effects come in the order of their LSNs, without a gap, each whole frame or none of it.

use kv_core::{Effect, Lsn, UnixMillis};

use crate::dir::{LogDir, SegmentName};
use crate::format::{
    Flaw, FrameKind, Malformed, Predecessor, SEGMENT_HEADER_BYTES, decode_time, for_each_effect,
    frame_bytes,
};
use crate::manifest::Manifest;
use crate::reader::{Frame, SegmentReader};
use crate::segment::StoredSegment;
use crate::{DroppedTail, OnProgress, OpenError, Progress, Recovered};

/// Progress is told each time this many more bytes were read.
const PROGRESS_BYTES: u64 = 4 << 20;

/// Takes the effects of a log, one after the other.
pub(crate) type Apply<'a> = dyn FnMut(&Effect<'_>) -> Result<(), OpenError> + 'a;

/// Sees what a log holds, in order: each frame whole, after its checksums have been found right.
pub(crate) trait Visit {
    /// A segment begins.
    fn segment(&mut self, _segment: &StoredSegment) {}

    /// An effect of the frame that comes next.
    ///
    /// # Errors
    ///
    /// Why the log is of no use: reading ends with this error.
    fn effect(&mut self, _lsn: Lsn, _effect: &Effect<'_>) -> Result<(), OpenError> {
        Ok(())
    }

    /// A frame; whether more are wanted. If not, reading ends without a look at what follows.
    fn frame(&mut self, _seen: &Seen<'_>) -> bool {
        true
    }
}

/// A whole frame, after its effects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'s> {
    pub(crate) segment: &'s StoredSegment,
    pub(crate) kind: FrameKind,
    pub(crate) effects: u32,
    /// Where in the segment it ends.
    pub(crate) end: u64,
    /// The newest LSN up to here.
    pub(crate) last_lsn: Lsn,
    /// What the clock showed, if this is a time mark.
    pub(crate) time: Option<UnixMillis>,
}

/// Applies what comes after the newest snapshot.
struct Applying<'a, 'p> {
    apply: &'a mut Apply<'p>,
    base: Lsn,
}

impl Visit for Applying<'_, '_> {
    fn effect(&mut self, lsn: Lsn, effect: &Effect<'_>) -> Result<(), OpenError> {
        if lsn <= self.base {
            return Ok(());
        }
        (self.apply)(effect)
    }
}

/// What a directory holds, and how its log goes on.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) report: Recovered,
    /// The number of the segment that goes on.
    pub(crate) next: u64,
    /// What that segment must say about the one before.
    pub(crate) predecessor: Option<Predecessor>,
    /// Bytes of all segments found.
    pub(crate) stored_bytes: u64,
}

/// Reads all of the log that `manifest` says must be in `dir`, and shows every effect to `apply` that the
/// newest snapshot does not have.
pub(crate) fn replay(
    dir: &LogDir,
    manifest: &Manifest,
    on_progress: Option<&OnProgress>,
    apply: &mut Apply<'_>,
) -> Result<Found, OpenError> {
    let base = manifest.base();
    visit(dir, manifest, on_progress, &mut Applying { apply, base })
}

/// Reads all that `manifest` says must be in `dir`, as far as `visitor` wants it. Of a directory that another
/// process writes to, the end is not judged.
pub(crate) fn visit(
    dir: &LogDir,
    manifest: &Manifest,
    on_progress: Option<&OnProgress>,
    visitor: &mut dyn Visit,
) -> Result<Found, OpenError> {
    let (segments, unopened) = open_segments(dir, manifest)?;
    // Without any log there is what the snapshot has.
    let mut report = Recovered {
        last_lsn: manifest.base(),
        ..Recovered::default()
    };
    if let Some(first) = segments.first() {
        // What the newest snapshot has may be missing from the log; what comes after it may not.
        let before = first.header.first_lsn.0.saturating_sub(1);
        report.last_lsn = Lsn(before).min(manifest.base());
    }
    let mut replay = Replay {
        dir,
        on_progress,
        visitor,
        ends_here: unopened.is_none() && dir.is_locked(),
        enough: false,
        base: manifest.base(),
        report,
        bytes_total: segments.iter().map(|segment| segment.bytes).sum(),
        told_bytes: 0,
    };
    let mut found = None;
    let mut due = manifest.first_segment;
    for (place, segment) in segments.iter().enumerate() {
        replay.check_follows(segment, due)?;
        let end = replay.segment(segment, segments.get(place + 1))?;
        due = segment.header.number + 1;
        found = Some((segment, end));
        if replay.enough {
            break;
        }
    }
    let enough = replay.enough;
    match unopened {
        Some(error) if !enough => return Err(error),
        _ if due <= manifest.newest_segment && !enough => return Err(replay.missing(due)),
        _ => {}
    }
    let mut report = replay.report;
    let stored_bytes = replay.bytes_total;
    let Some((last, end)) = found else {
        report.clean = true;
        // After a repair that left nothing but a snapshot. Nobody will look for the one before.
        let before = (report.last_lsn > Lsn::ZERO).then_some(Predecessor {
            number: due - 1,
            end: SEGMENT_HEADER_BYTES as u64,
            last_lsn: report.last_lsn,
            last_checksum: 0,
        });
        return Ok(Found {
            report,
            next: due,
            predecessor: before,
            stored_bytes,
        });
    };
    // The log goes on after the newest snapshot, so it must reach it.
    let durable = manifest.durable.max(manifest.base());
    if report.last_lsn < durable && !enough {
        let why = format!("the log ends before LSN {durable}, which was durable");
        return Err(damaged(last, end.offset, report.last_lsn, why));
    }
    // A segment without effects is replaced, so that starting and stopping leaves no trail; unless something
    // was dropped from it, which somebody may want to look at.
    let (next, predecessor, replaced_bytes) = if end.has_effects || report.dropped.is_some() {
        let before = Predecessor {
            number: last.header.number,
            end: end.offset,
            last_lsn: report.last_lsn,
            last_checksum: end.last_checksum,
        };
        (due, Some(before), 0)
    } else {
        (last.header.number, last.header.predecessor, last.bytes)
    };
    Ok(Found {
        report,
        next,
        predecessor,
        stored_bytes: stored_bytes - replaced_bytes,
    })
}

/// Opens the segments that the manifest still needs, up to the first that is damaged, and says what is wrong
/// with that one; older ones are left over from an interrupted compaction.
fn open_segments(
    dir: &LogDir,
    manifest: &Manifest,
) -> Result<(Vec<StoredSegment>, Option<OpenError>), OpenError> {
    let mut segments = Vec::new();
    for name in dir.segments()? {
        if name.number < manifest.first_segment {
            continue;
        }
        match StoredSegment::open(dir, &name, manifest.database) {
            Ok(segment) => segments.push(segment),
            Err(error @ OpenError::Damaged { .. }) => return Ok((segments, Some(error))),
            Err(error) => return Err(error),
        }
    }
    if dir.is_locked() {
        dir.sync()?;
    }
    Ok((segments, None))
}

/// Where the frames of a segment stop.
#[derive(Clone, Copy, Debug)]
struct End {
    offset: u64,
    /// The checksum of the last frame's header, or of the segment's.
    last_checksum: u32,
    has_effects: bool,
}

struct Replay<'a, 'p> {
    dir: &'a LogDir,
    on_progress: Option<&'a OnProgress>,
    visitor: &'a mut (dyn Visit + 'p),
    /// Whether the log ends with the last segment that could be opened.
    ends_here: bool,
    /// Whether the visitor wants no more.
    enough: bool,
    /// The newest snapshot has the effects up to this one.
    base: Lsn,
    report: Recovered,
    bytes_total: u64,
    told_bytes: u64,
}

impl Replay<'_, '_> {
    /// Reads one segment to the end of its frames, which must be where `successor` says.
    fn segment(
        &mut self,
        segment: &StoredSegment,
        successor: Option<&StoredSegment>,
    ) -> Result<End, OpenError> {
        let named = successor
            .filter(|successor| successor.header.number == segment.header.number + 1)
            .and_then(|successor| successor.header.predecessor);
        let limit = named.map_or(segment.bytes, |named| named.end.min(segment.bytes));
        let mut reader = SegmentReader::new(segment.file.clone(), &segment.header, limit);
        let mut end = End {
            offset: reader.offset(),
            last_checksum: segment.checksum,
            has_effects: false,
        };
        self.report.segments += 1;
        self.report.bytes += end.offset;
        self.report.clean = false;
        self.visitor.segment(segment);
        let flaw = loop {
            let frame = match reader.next()? {
                Ok(frame) => frame,
                Err(flaw) => break flaw,
            };
            let end_offset = end.offset + frame_bytes(frame.payload.len()) as u64;
            self.frame(segment, &end, &frame, end_offset)?;
            let kind = frame.header.kind;
            end.last_checksum = frame.checksum;
            end.has_effects |= kind == FrameKind::Batch;
            self.report.bytes += reader.offset() - end.offset;
            end.offset = reader.offset();
            self.tell_progress(segment);
            if self.enough {
                return Ok(end);
            }
            if successor.is_none() && matches!(kind, FrameKind::Seal | FrameKind::Clean) {
                self.report.clean = kind == FrameKind::Clean;
                return Ok(end);
            }
        };
        match named {
            Some(named) => self.check_named_end(segment, &end, &named, flaw)?,
            None if successor.is_none() => self.stop(segment, &end, &mut reader, flaw)?,
            // The gap is told when it comes to the successor.
            None if flaw == Flaw::Unwritten => {}
            None => return Err(self.damaged(segment, end.offset, flaw.to_string())),
        }
        Ok(end)
    }

    fn frame(
        &mut self,
        segment: &StoredSegment,
        end: &End,
        frame: &Frame<'_>,
        frame_end: u64,
    ) -> Result<(), OpenError> {
        let due = self.lost();
        if frame.header.first_lsn != due {
            let found = frame.header.first_lsn;
            let why = format!("a frame begins with LSN {found} where {due} is due");
            return Err(self.damaged(segment, end.offset, why));
        }
        let encoding = segment.header.encoding;
        let shown = if frame.header.kind == FrameKind::TimeMark {
            decode_time(encoding, frame.payload)
                .map(Some)
                .map_err(Stopped::from)
        } else {
            let visitor = &mut *self.visitor;
            let mut lsn = due;
            let show = |effect: &Effect<'_>| {
                visitor.effect(lsn, effect).map_err(Stopped::Refused)?;
                lsn = lsn.advanced_by(1);
                Ok(())
            };
            for_each_effect(encoding, frame.payload, frame.header.effects, show).map(|()| None)
        };
        let time = match shown {
            Ok(time) => time,
            Err(Stopped::Refused(error)) => return Err(error),
            Err(Stopped::Malformed(flaw)) => {
                return Err(self.damaged(segment, end.offset, Flaw::from(flaw).to_string()));
            }
        };
        let effects = u64::from(frame.header.effects);
        let known = self.base.0.saturating_sub(self.report.last_lsn.0);
        self.report.effects += effects.saturating_sub(known);
        self.report.last_lsn = self.report.last_lsn.advanced_by(effects);
        self.enough = !self.visitor.frame(&Seen {
            segment,
            kind: frame.header.kind,
            effects: frame.header.effects,
            end: frame_end,
            last_lsn: self.report.last_lsn,
            time,
        });
        Ok(())
    }

    /// The frames of a segment with a successor stopped at `end`: is it where the successor saw it end?
    fn check_named_end(
        &self,
        segment: &StoredSegment,
        end: &End,
        named: &Predecessor,
        flaw: Flaw,
    ) -> Result<(), OpenError> {
        let why = if end.offset != named.end {
            format!(
                "{flaw}, but the next segment knows frames up to offset {}",
                named.end
            )
        } else if (self.report.last_lsn, end.last_checksum) != (named.last_lsn, named.last_checksum)
        {
            "the next segment knows another end of this one".into()
        } else {
            return Ok(());
        };
        Err(self.damaged(segment, end.offset, why))
    }

    /// The frames of the last segment stopped at `end` without a mark: may they?
    fn stop(
        &mut self,
        segment: &StoredSegment,
        end: &End,
        reader: &mut SegmentReader,
        flaw: Flaw,
    ) -> Result<(), OpenError> {
        if !self.ends_here {
            return Ok(());
        }
        if let Flaw::Malformed(_) = flaw {
            return Err(self.damaged(segment, end.offset, flaw.to_string()));
        }
        let tail = reader.survey(self.lost())?;
        if let Some(proof) = tail.proof {
            let why =
                format!("{flaw}, but a later frame, at offset {proof}, proves it was durable");
            return Err(self.damaged(segment, end.offset, why));
        }
        if let Some(flipped) = reader.flipped_bit(self.lost())? {
            let why = format!(
                "{flaw}: only bit {} of the byte at offset {} is wrong, which no unfinished write leaves",
                flipped.bit,
                end.offset + flipped.at as u64
            );
            return Err(self.damaged(segment, end.offset, why));
        }
        if tail.bytes > 0 {
            self.report.dropped = Some(DroppedTail {
                file: segment.file.path().into(),
                offset: end.offset,
                bytes: tail.bytes,
            });
        }
        Ok(())
    }

    /// Whether `segment` is the one that is due and begins where the log stands.
    fn check_follows(&self, segment: &StoredSegment, due: u64) -> Result<(), OpenError> {
        let header = &segment.header;
        if header.number > due {
            return Err(self.missing(due));
        }
        let why = if header.number < due {
            format!("there is another segment with number {}", header.number)
        } else if header.first_lsn != self.lost() {
            format!(
                "it begins with LSN {} where {} is due",
                header.first_lsn,
                self.lost()
            )
        } else {
            return Ok(());
        };
        Err(self.damaged(segment, 0, why))
    }

    fn tell_progress(&mut self, segment: &StoredSegment) {
        let Some(on_progress) = self.on_progress else {
            return;
        };
        if self.report.bytes - self.told_bytes >= PROGRESS_BYTES {
            self.told_bytes = self.report.bytes;
            on_progress(&Progress {
                bytes_done: self.report.bytes,
                bytes_total: self.bytes_total,
                effects: self.report.effects,
                segment: segment.header.number,
            });
        }
    }

    /// The first effect that has not come.
    fn lost(&self) -> Lsn {
        self.report.last_lsn.advanced_by(1)
    }

    fn damaged(&self, segment: &StoredSegment, offset: u64, why: String) -> OpenError {
        damaged(segment, offset, self.report.last_lsn, why)
    }

    fn missing(&self, number: u64) -> OpenError {
        let name = SegmentName {
            number,
            first_lsn: self.lost(),
        };
        OpenError::Damaged {
            file: self.dir.segment_path(&name),
            offset: 0,
            first_lost_lsn: self.lost(),
            why: "the file is missing".into(),
        }
    }
}

fn damaged(segment: &StoredSegment, offset: u64, last_lsn: Lsn, why: String) -> OpenError {
    OpenError::Damaged {
        file: segment.file.path().into(),
        offset,
        first_lost_lsn: last_lsn.advanced_by(1),
        why,
    }
}

/// Why the effects of a frame were not all taken.
enum Stopped {
    Malformed(Malformed),
    Refused(OpenError),
}

impl From<Malformed> for Stopped {
    fn from(flaw: Malformed) -> Self {
        Self::Malformed(flaw)
    }
}
