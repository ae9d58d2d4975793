//! The writer: the one thread that writes to the log.
//!
//! It takes everything that was appended since it last looked, writes it as one frame, says so, and under
//! `always` syncs it and says so again; what is appended meanwhile is the next batch. A batch is not delayed to
//! become larger, but for threads that a commit has just released: see [`Writer::gather`].

use std::time::Duration;

use kv_core::{Lsn, UnixMillis};

use crate::Durability;
use crate::batch::FrameBuffer;
use crate::format::{FrameKind, TIME_MARK_FRAME_BYTES_MAX};
use crate::log::Log;
use crate::pace::Pace;
use crate::poison::Failed;
use crate::primitives::atomic::Ordering::{Relaxed, SeqCst};
use crate::primitives::{Instant, thread};
use crate::rotation::Seam;
use crate::segment::{LiveSegment, segment_bytes_for};

/// After this long without a commit, what is durable is noted in the log, with the time.
const IDLE_BEFORE_NOTE: Duration = Duration::from_secs(1);

/// While there are commits, the time is noted this often, in milliseconds of the store's clock.
const TIME_MARK_INTERVAL_MS: u64 = 1000;

/// How often at most it is looked who has come: a bound where time does not pass, and on what is spent on a slow
/// disk.
const GATHER_LOOKS_MAX: usize = 500;

/// The threads that were waiting when a commit released some of them.
struct Crowd {
    threads: usize,
    released: Instant,
    /// How long the sync took: so long the next batch may wait for them.
    sync_took: Duration,
}

/// What the writer thread owns.
pub(crate) struct Writer<'l> {
    log: &'l Log,
    live: LiveSegment,
    /// The batch being written.
    frames: Vec<FrameBuffer>,
    /// The buffer that is filled after the next take.
    spent: FrameBuffer,
    /// The newest LSN that a frame on disk says is durable.
    noted: Lsn,
    last_write: Instant,
    /// Whom the next batch may wait for.
    crowd: Option<Crowd>,
    /// The newest time that is noted in the log, at first the time of the start.
    marked: UnixMillis,
}

impl<'l> Writer<'l> {
    pub(crate) fn new(log: &'l Log, live: LiveSegment) -> Self {
        if log.durability == Durability::Always {
            live.sync_at_once();
        }
        Self {
            log,
            noted: live.last_lsn(),
            live,
            frames: Vec::new(),
            spent: FrameBuffer::default(),
            last_write: Instant::now(),
            crowd: None,
            marked: log.clock.now(),
        }
    }

    /// Writes until the log is closed or fails; after closing, everything is durable and marked as complete.
    pub(crate) fn run(mut self) -> Result<(), Failed> {
        loop {
            if self.is_rotation_due() {
                self.rotate_as_asked()?;
            }
            self.gather();
            if self.log.batches.take(&mut self.frames, &mut self.spent) {
                self.commit()?;
            } else if self.log.closing.load(SeqCst) {
                return self.finish();
            } else {
                self.idle()?;
            }
        }
    }

    /// Lets those come that the last commit has released, if somebody waits already. Threads that write one thing
    /// after the other are back as soon as they have run; without this they part into two crowds, each of which
    /// waits for the other's sync before its own, and a third less is written. Those whom an event loop serves are
    /// not waited for: it has others to serve meanwhile.
    fn gather(&mut self) {
        let Some(crowd) = self.crowd.take_if(|_| !self.log.batches.is_empty()) else {
            return;
        };
        let gate = &self.log.gate;
        for _ in 0..GATHER_LOOKS_MAX {
            if gate.threads_waiting() >= crowd.threads
                || crowd.released.elapsed() >= crowd.sync_took
            {
                return;
            }
            thread::yield_now();
        }
    }

    /// Syncs what was written, and remembers how many threads were waiting.
    fn sync(&mut self) -> Result<(), Failed> {
        let log = self.log;
        let begun = Instant::now();
        let threads = log.sync(self.live.file(), self.live.last_lsn())?;
        self.crowd = (threads > 1).then(|| Crowd {
            threads,
            released: Instant::now(),
            sync_took: begun.elapsed(),
        });
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Failed> {
        self.let_syncs_catch_up()?;
        self.mark_time_if_due()?;
        let mut payload_bytes = 0;
        let mut frames = std::mem::take(&mut self.frames);
        for mut frame in frames.drain(..) {
            payload_bytes += frame.payload_bytes() as u64;
            self.write(&mut frame)?;
            self.spent = frame.emptied();
        }
        self.frames = frames;
        self.last_write = Instant::now();
        let log = self.log;
        log.counters.batches.fetch_add(1, Relaxed);
        let first_unsynced = log.pace.as_ref().is_some_and(Pace::wrote);
        // The syncer may have failed meanwhile: what was written after that is acknowledged to nobody.
        log.check()?;
        log.gate.publish_written(self.live.last_lsn());
        if log.durability == Durability::Always {
            self.sync()?;
        } else if first_unsynced || log.gate.durable_wanted() > log.gate.durable() {
            log.syncer.wake();
        }
        log.batches.wrote(payload_bytes);
        log.readmit();
        Ok(())
    }

    /// Notes the time before a batch if it was not noted for a while. What comes behind the mark was written
    /// later than it says.
    fn mark_time_if_due(&mut self) -> Result<(), Failed> {
        let now = self.log.clock.now();
        if now.0.abs_diff(self.marked.0) >= TIME_MARK_INTERVAL_MS {
            self.log.check()?;
            self.mark_time(now, self.log.gate.durable())?;
        }
        Ok(())
    }

    /// Notes the time and that everything up to `synced` is durable. Without room in the live segment, the
    /// next one begins with it.
    fn mark_time(&mut self, now: UnixMillis, synced: Lsn) -> Result<(), Failed> {
        if self.live.fits(TIME_MARK_FRAME_BYTES_MAX as u64) {
            self.log.must(self.live.mark_time(now, synced))?;
            self.marked = now;
        }
        Ok(())
    }

    fn write(&mut self, frame: &mut FrameBuffer) -> Result<(), Failed> {
        let bytes = frame.frame_bytes();
        if !self.live.fits(bytes) {
            self.rotate(bytes)?;
        }
        let log = self.log;
        log.check()?;
        self.noted = log.gate.durable();
        log.must(self.live.append(frame, self.noted))?;
        log.headroom
            .live_ends_at(self.live.end(), self.live.capacity());
        log.counters.bytes.fetch_add(bytes, Relaxed);
        log.counters
            .effects
            .fetch_add(u64::from(frame.effects()), Relaxed);
        Ok(())
    }

    /// Under `everysec`: as long as acknowledged bytes wait for a sync that takes too long, no more are
    /// acknowledged.
    fn let_syncs_catch_up(&self) -> Result<(), Failed> {
        let log = self.log;
        while let Some(pace) = &log.pace
            && pace.is_overdue()
        {
            log.check()?;
            log.writer
                .sleep(None, || !pace.is_overdue() || log.check().is_err());
        }
        Ok(())
    }

    /// Ends the live segment and goes on in a new one with room for a frame of `frame_bytes`. The end is
    /// durable before anything names it. Returns where it is.
    fn rotate(&mut self, frame_bytes: u64) -> Result<u64, Failed> {
        let log = self.log;
        self.mark_durably(FrameKind::Seal)?;
        let end = self.live.end();
        // Segments that were ended early for a snapshot were large enough.
        let grow = end > self.live.capacity() / 2;
        let wanted = segment_bytes_for(frame_bytes);
        let blank = log.orders.take_blank(log, wanted, grow)?;
        log.check()?;
        let header = self.live.successor(log.fs.random());
        self.live = log.must(LiveSegment::publish(&log.dir, blank, header))?;
        if log.durability == Durability::Always {
            self.live.sync_at_once();
        }
        log.went_on_in(&self.live);
        log.orders.published(self.live.number());
        Ok(end)
    }

    /// Whether a rotation was asked for that need not wait for a blank.
    fn is_rotation_due(&self) -> bool {
        let log = self.log;
        log.rotation.is_wanted() && (self.live.is_empty() || log.orders.has_blank())
    }

    /// Goes on in a new segment, unless the live one is as good as new.
    fn rotate_as_asked(&mut self) -> Result<(), Failed> {
        let log = self.log;
        let mut ended = None;
        if !self.live.is_empty() {
            let file = self.live.file().clone();
            let end = self.rotate(0)?;
            ended = Some((file, end));
        }
        log.rotation.done(Seam {
            segment: self.live.number(),
            log_bytes: log.counters.bytes.load(Relaxed),
            ended,
        });
        Ok(())
    }

    /// Makes everything durable, with a mark of `kind` after it.
    fn mark_durably(&mut self, kind: FrameKind) -> Result<(), Failed> {
        let log = self.log;
        log.check()?;
        self.noted = log.gate.durable();
        log.must(self.live.mark(kind, self.noted))?;
        log.gate.publish_written(self.live.last_lsn());
        log.sync(self.live.file(), self.live.last_lsn())?;
        Ok(())
    }

    /// Everything is durable; then the mark that says so, and the rest of the file is given back.
    fn finish(&mut self) -> Result<(), Failed> {
        let log = self.log;
        log.sync(self.live.file(), self.live.last_lsn())?;
        if self.live.last_lsn() > self.noted {
            self.mark_time(log.clock.now(), log.gate.durable())?;
        }
        self.mark_durably(FrameKind::Clean)?;
        log.must(self.live.cut())
    }

    /// Sleeps until there is something to do. Notes before a longer sleep what is durable, so that damage to
    /// it can be told from an unfinished write.
    fn idle(&mut self) -> Result<(), Failed> {
        let log = self.log;
        let durable = log.gate.durable();
        let live_is_empty = self.live.is_empty();
        let busy = || {
            !log.batches.is_empty()
                || log.closing.load(SeqCst)
                || log.check().is_err()
                || (log.rotation.is_wanted() && (live_is_empty || log.orders.has_blank()))
        };
        log.check()?;
        if durable == self.noted {
            log.writer
                .sleep(None, || busy() || log.gate.durable() > durable);
            return Ok(());
        }
        match IDLE_BEFORE_NOTE.checked_sub(self.last_write.elapsed()) {
            Some(left) if !left.is_zero() => log.writer.sleep(Some(left), busy),
            _ => {
                self.mark_time(log.clock.now(), durable)?;
                self.noted = durable;
            }
        }
        Ok(())
    }
}
