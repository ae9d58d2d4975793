//! One generator thread: an epoll loop over its share of the connections.
//!
//! Invariant: latencies are recorded for every request that began after the warm-up and before the end,
//! also when its reply comes later; throughput counts the replies that came in between.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use hdrhistogram::Histogram;
use rustix::event::{Timespec, epoll};

use super::connection::{Connection, Pending};
use super::pace::{Pace, Schedule};
use super::reply::Outcome;
use super::request::RequestSource;

/// How long a worker sleeps at most before it looks whether it should stop.
const NAP: Duration = Duration::from_millis(50);

/// How long replies may take after the end before they count as unanswered.
const DRAIN: Duration = Duration::from_secs(10);

/// The bytes read at once, and events taken at once.
const READ_BYTES: usize = 64 * 1024;
const EVENTS: usize = 128;

/// Latencies in nanoseconds with three digits; nothing takes longer than ten minutes.
const LATENCY_MAX_NS: u64 = 600_000_000_000;
const LATENCY_DIGITS: u8 = 3;

/// An empty histogram of latencies in nanoseconds.
pub(super) fn latencies() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(
        1,
        LATENCY_MAX_NS,
        LATENCY_DIGITS,
    )?)
}

/// An empty histogram of latencies in nanoseconds for one window of time: small, and one in a hundred off.
pub(super) fn coarse_latencies() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1_000, LATENCY_MAX_NS, 2)?)
}

/// What all threads of a load share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Set to end the load early.
    pub(super) stop: AtomicBool,
    /// Replies so far, for the status line.
    pub(super) replies: AtomicU64,
}

/// The share of one worker.
#[derive(Clone, Debug)]
pub(super) struct Share {
    pub(super) pipeline: usize,
    pub(super) pace: Pace,
    /// The moment that all times count from: the beginning of the load.
    pub(super) origin: Instant,
    pub(super) warmup: Duration,
    /// The end, counted from the origin; `None` when `requests` ends the load.
    pub(super) end: Option<Duration>,
    /// How many requests this worker sends at most.
    pub(super) requests: u64,
    /// How long a time each histogram over time is about; `None`: there are none.
    pub(super) window: Option<Duration>,
}

/// What one worker counted.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) latency: Histogram<u64>,
    /// Latencies of the requests that began in each window, with two digits.
    pub(super) windows: Vec<Histogram<u64>>,
    /// Values that were read and never written.
    pub(super) wrong_values: u64,
    pub(super) first_wrong_value: Option<String>,
    /// Replies between the warm-up and the end.
    pub(super) replies: u64,
    pub(super) errors: u64,
    pub(super) first_error: Option<String>,
    pub(super) unanswered: u64,
    pub(super) missed: u64,
    /// When the last reply came, counted from the origin.
    pub(super) last_reply_ns: u64,
}

impl Tally {
    fn fail(&mut self, text: &[u8]) {
        self.errors += 1;
        self.first_error
            .get_or_insert_with(|| String::from_utf8_lossy(text).into_owned());
    }

    fn verify(&mut self, source: &RequestSource<'_>, pending: Pending, value: &[u8]) {
        let checked = match &pending.reads {
            Some(key) => source.check(key, value),
            None => Err("a request that reads no value was answered with one".to_owned()),
        };
        if let Err(wrong) = checked {
            self.wrong_values += 1;
            self.first_wrong_value.get_or_insert(wrong);
        }
    }

    /// Records a latency among those of its window.
    pub(super) fn record_over_time(&mut self, window: u64, latency_ns: u64) {
        let place = usize::try_from(window).unwrap_or(usize::MAX);
        while self.windows.len() <= place {
            match coarse_latencies() {
                Ok(empty) => self.windows.push(empty),
                Err(_) => return,
            }
        }
        self.windows[place].saturating_record(latency_ns);
    }
}

/// A generator thread's state.
pub(super) struct Worker<'s> {
    share: Share,
    shared: &'s Shared,
    source: RequestSource<'s>,
    epoll: OwnedFd,
    connections: Vec<Connection>,
    schedule: Option<Schedule>,
    /// The connection that gets the next request of an open loop.
    turn: usize,
    measure_from_ns: u64,
    end_ns: u64,
    left: u64,
    tally: Tally,
    buffer: Vec<u8>,
}

impl<'s> Worker<'s> {
    /// A worker over these connections.
    ///
    /// # Errors
    ///
    /// When the system refuses an epoll.
    pub(super) fn new(
        share: Share,
        connections: Vec<Connection>,
        source: RequestSource<'s>,
        shared: &'s Shared,
    ) -> anyhow::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("cannot make an epoll")?;
        for (place, connection) in connections.iter().enumerate() {
            let data = epoll::EventData::new_u64(place as u64);
            epoll::add(&epoll, connection.stream(), data, epoll::EventFlags::IN)?;
        }
        Ok(Self {
            source,
            epoll,
            connections,
            schedule: None,
            turn: 0,
            measure_from_ns: nanos(share.warmup),
            end_ns: share.end.map_or(u64::MAX, nanos),
            left: share.requests,
            tally: Tally {
                latency: latencies()?,
                windows: Vec::new(),
                wrong_values: 0,
                first_wrong_value: None,
                replies: 0,
                errors: 0,
                first_error: None,
                unanswered: 0,
                missed: 0,
                last_reply_ns: 0,
            },
            buffer: vec![0; READ_BYTES],
            share,
            shared,
        })
    }

    /// Sends until the end, then waits for the replies that are under way.
    ///
    /// # Errors
    ///
    /// When a connection broke; the other workers are then stopped too.
    pub(super) fn run(mut self) -> anyhow::Result<Tally> {
        let driven = self.drive();
        if driven.is_err() {
            self.shared.stop.store(true, Ordering::Relaxed);
        }
        driven.map(|()| self.finish())
    }

    fn drive(&mut self) -> anyhow::Result<()> {
        // An open loop sleeps until the next request is due; the default slack of 50 us would delay each.
        rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1))?;
        self.begin()?;
        let mut events = Vec::with_capacity(EVENTS);
        let drained_ns = self.end_ns.saturating_add(nanos(DRAIN));
        while !self.shared.stop.load(Ordering::Relaxed) {
            let now_ns = self.now_ns();
            self.issue_due(now_ns)?;
            let answered = (now_ns >= self.end_ns || self.left == 0) && self.in_flight() == 0;
            if answered || now_ns >= drained_ns {
                break;
            }
            self.wait(&mut events)?;
            for event in &events {
                self.serve(event)?;
            }
        }
        Ok(())
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        let now_ns = self.now_ns();
        match self.share.pace {
            Pace::Open { per_second } => self.schedule = Some(Schedule::new(now_ns, per_second)),
            Pace::Closed => {
                for place in 0..self.connections.len() {
                    self.send_batch(place, now_ns)?;
                }
            }
        }
        Ok(())
    }

    /// Closed loop: sends the next batch on a connection that has no request under way.
    fn send_batch(&mut self, place: usize, now_ns: u64) -> anyhow::Result<()> {
        if now_ns >= self.end_ns {
            return Ok(());
        }
        let batch = self
            .left
            .min(u64::try_from(self.share.pipeline).unwrap_or(u64::MAX));
        self.left -= batch;
        for _ in 0..batch {
            self.connections[place].queue(&mut self.source, now_ns);
        }
        self.flush(place)
    }

    /// Open loop: sends what is due on the connections that have room, in turn. What finds no room stays in
    /// the schedule and keeps its due time.
    fn issue_due(&mut self, now_ns: u64) -> anyhow::Result<()> {
        while let Some((due_ns, place)) = self.next_due()
            && due_ns <= now_ns
        {
            if let Some(schedule) = &mut self.schedule {
                schedule.issue();
            }
            self.left -= 1;
            self.turn = (place + 1) % self.connections.len();
            self.connections[place].queue(&mut self.source, due_ns);
            self.flush(place)?;
        }
        Ok(())
    }

    /// Open loop: when the next request is due and the connection that will take it; `None` when there is none
    /// before the end, or every connection is full.
    fn next_due(&self) -> Option<(u64, usize)> {
        let due_ns = self.schedule.as_ref()?.next_due_ns();
        if self.left == 0 || due_ns >= self.end_ns {
            return None;
        }
        free_from(&self.connections, self.turn, self.share.pipeline).map(|place| (due_ns, place))
    }

    fn flush(&mut self, place: usize) -> anyhow::Result<()> {
        let connection = &mut self.connections[place];
        if !connection.flush()? {
            self.watch(place, epoll::EventFlags::IN | epoll::EventFlags::OUT)?;
        }
        Ok(())
    }

    fn watch(&self, place: usize, flags: epoll::EventFlags) -> anyhow::Result<()> {
        let data = epoll::EventData::new_u64(place as u64);
        epoll::modify(&self.epoll, self.connections[place].stream(), data, flags)?;
        Ok(())
    }

    fn wait(&self, events: &mut Vec<epoll::Event>) -> anyhow::Result<()> {
        events.clear();
        let mut nap = NAP;
        if let Some((due_ns, _)) = self.next_due() {
            nap = nap.min(Duration::from_nanos(due_ns.saturating_sub(self.now_ns())));
        }
        let timeout = Timespec::try_from(nap).context("a nap too long for the kernel")?;
        match epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(events),
            Some(&timeout),
        ) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error).context("cannot wait for the server"),
        }
    }

    fn serve(&mut self, event: &epoll::Event) -> anyhow::Result<()> {
        let place = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
        let flags = event.flags;
        if flags.contains(epoll::EventFlags::OUT) && self.connections[place].flush()? {
            self.watch(place, epoll::EventFlags::IN)?;
        }
        if flags.intersects(epoll::EventFlags::IN | epoll::EventFlags::HUP | epoll::EventFlags::ERR)
        {
            self.receive(place)?;
        }
        Ok(())
    }

    fn receive(&mut self, place: usize) -> anyhow::Result<()> {
        let now_ns = nanos(self.share.origin.elapsed());
        let (measure_from_ns, end_ns) = (self.measure_from_ns, self.end_ns);
        let window_ns = self.share.window.map(nanos);
        let (tally, source) = (&mut self.tally, &self.source);
        let mut count = 0;
        self.connections[place].receive(&mut self.buffer, |pending, outcome| {
            count += 1;
            tally.replies += u64::from(now_ns >= measure_from_ns && now_ns < end_ns);
            if let Some(since_ns) = pending.start_ns.checked_sub(measure_from_ns) {
                let latency_ns = now_ns - pending.start_ns;
                tally.latency.saturating_record(latency_ns);
                if let Some(window_ns) = window_ns {
                    tally.record_over_time(since_ns / window_ns.max(1), latency_ns);
                }
            }
            match outcome {
                Outcome::Done => {}
                Outcome::Value(value) => tally.verify(source, pending, value),
                Outcome::Error(text) => tally.fail(text),
            }
        })?;
        tally.last_reply_ns = now_ns;
        self.shared.replies.fetch_add(count, Ordering::Relaxed);
        if self.schedule.is_none() && self.connections[place].in_flight() == 0 {
            self.send_batch(place, now_ns)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Tally {
        self.tally.unanswered = self.in_flight() as u64;
        self.tally.missed = match (&self.schedule, self.share.end) {
            (Some(schedule), Some(_)) => schedule.missed_before(self.end_ns),
            _ => 0,
        };
        self.tally
    }

    fn in_flight(&self) -> usize {
        self.connections.iter().map(Connection::in_flight).sum()
    }

    fn now_ns(&self) -> u64 {
        nanos(self.share.origin.elapsed())
    }
}

/// The first connection from place `turn` on, around the ring, with less than `most` requests under way.
fn free_from(connections: &[Connection], turn: usize, most: usize) -> Option<usize> {
    (turn..connections.len())
        .chain(0..turn)
        .find(|place| connections[*place].in_flight() < most)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
