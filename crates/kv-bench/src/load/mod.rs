//! The load generator: connections that send requests and time the replies.
//!
//! Each thread runs one epoll loop over its share of the connections (`worker`); there is no task, no
//! channel and no value built per reply, because on a small machine the generator competes with the server
//! for the processor. One thread is enough for servers on the same machine.
//!
//! A closed loop ([`Pace::Closed`]) shows what a server can do; an open loop ([`Pace::Open`]) shows how long
//! clients wait at a rate that they, not the server, decide.

// What is asked for.
mod keys;
mod mix;
mod pace;
mod sizes;

// One connection.
mod connection;
pub mod open_files;
mod reply;
mod request;
mod stamp;

// All of them.
pub mod command;
mod outcome;
mod worker;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};
use connection::Connection;
use request::RequestSource;
use stamp::{STAMPED_BYTES_MIN, Stamps};
use worker::{Share, Shared, Tally, Worker};

use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::server::pin;
use crate::usage::Usage;

pub use keys::{KEYS_MAX, KeyDistribution, KeyRange};
pub use mix::{Mix, Operation};
pub use outcome::LoadOutcome;
pub use pace::{Pace, Stop};
use sizes::VALUE_BYTES_MAX;
pub use sizes::ValueSizes;

/// How often the status line is renewed and an interrupt is noticed.
const TICK: Duration = Duration::from_millis(100);

/// The most memory that requests under way may take in the generator, in bytes.
const IN_FLIGHT_BYTES_MAX: u64 = 2 << 30;

/// The most points over time; each takes some ten KiB for each generator thread.
const WINDOWS_MAX: u128 = 10_000;

/// One load on one server.
#[derive(Clone, Debug)]
pub struct LoadSpec {
    /// The server.
    pub target: SocketAddr,
    /// The operations.
    pub mix: Mix,
    /// The keys they work on.
    pub keys: KeyRange,
    /// The lengths of values.
    pub value_bytes: ValueSizes,
    /// Whether every value carries a proof, and every value read is held against it.
    pub verify: bool,
    /// The time to live that SET gives; `None`: none.
    pub ttl_s: Option<u64>,
    /// How many connections.
    pub connections: usize,
    /// Closed loop: how many requests go out together on a connection. Open loop: the most that may be
    /// under way on one.
    pub pipeline: usize,
    /// When requests begin.
    pub pace: Pace,
    /// How long to run before anything is measured.
    pub warmup: Duration,
    /// When to end.
    pub stop: Stop,
    /// How many generator threads share the connections.
    pub threads: usize,
    /// The cores that the generator is bound to; none named: any.
    pub cores: Vec<usize>,
    /// How long a time the latencies of each point over time are from; `None`: they are not kept.
    pub window: Option<Duration>,
    /// The process whose CPU time and memory are measured; `None`: none.
    pub server_pid: Option<u32>,
    /// What the random choices start from: the same seed, the same requests.
    pub seed: u64,
}

impl LoadSpec {
    /// 50 connections that read and write a million keys of 64 bytes, one request at a time, for 10 s.
    #[must_use]
    pub fn new(target: SocketAddr) -> Self {
        Self {
            target,
            mix: Mix::only(Operation::Set),
            keys: KeyRange {
                prefix: *b"key:",
                count: 1_000_000,
                distribution: KeyDistribution::Uniform,
            },
            value_bytes: ValueSizes::exactly(64),
            verify: false,
            ttl_s: None,
            connections: 50,
            pipeline: 1,
            pace: Pace::Closed,
            warmup: Duration::from_secs(2),
            stop: Stop::After(Duration::from_secs(10)),
            threads: 1,
            cores: Vec::new(),
            window: None,
            server_pid: None,
            seed: 1,
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(self.connections >= 1, "a load needs a connection");
        ensure!(self.pipeline >= 1, "the pipeline is at least 1");
        ensure!(
            (1..=KEYS_MAX).contains(&self.keys.count),
            "keys: 1 to {KEYS_MAX}"
        );
        ensure!(
            (1..=self.connections).contains(&self.threads),
            "a generator thread needs a connection: {} threads, {} connections",
            self.threads,
            self.connections
        );
        if let Pace::Open { per_second } = self.pace {
            ensure!(
                per_second > 0.0 && per_second <= 1e9,
                "the rate is above 0, at most 1000000000"
            );
        }
        let in_flight = (self.connections as u64).saturating_mul(self.pipeline as u64);
        ensure!(
            in_flight.saturating_mul(u64::from(self.value_bytes.most()) + 64)
                <= IN_FLIGHT_BYTES_MAX,
            "connections x pipeline x value bytes is more than {IN_FLIGHT_BYTES_MAX} bytes in flight"
        );
        ensure!(
            !self.verify || self.value_bytes.least() >= STAMPED_BYTES_MIN,
            "a value that can be verified has at least {STAMPED_BYTES_MIN} bytes"
        );
        if let (Some(window), Stop::After(duration)) = (self.window, self.stop) {
            ensure!(
                duration.as_nanos() / window.as_nanos().max(1) <= WINDOWS_MAX,
                "there are at most {WINDOWS_MAX} points over time"
            );
        }
        open_files::allow(self.connections)
    }

    /// What thread `number` gets of `whole`, so that all parts together are `whole`.
    fn part(&self, whole: u64, number: usize) -> u64 {
        let (threads, number) = (self.threads as u64, number as u64);
        whole / threads + u64::from(number < whole % threads)
    }

    fn share(&self, number: usize, origin: Instant) -> Share {
        let (warmup, end, requests) = match self.stop {
            Stop::After(duration) => (self.warmup, Some(self.warmup + duration), u64::MAX),
            Stop::Requests(requests) => (Duration::ZERO, None, self.part(requests, number)),
        };
        Share {
            pipeline: self.pipeline,
            pace: match self.pace {
                Pace::Closed => Pace::Closed,
                #[expect(clippy::cast_precision_loss, reason = "few threads")]
                Pace::Open { per_second } => Pace::Open {
                    per_second: per_second / self.threads as f64,
                },
            },
            origin,
            warmup,
            end,
            requests,
            window: self.window,
        }
    }
}

/// Runs one load to its end.
///
/// # Errors
///
/// When the load makes no sense, the server cannot be reached or breaks a connection, or the run is
/// interrupted. Error replies are no error here: they are counted.
pub fn run(
    spec: &LoadSpec,
    interrupt: &Interrupt,
    progress: &Progress,
) -> anyhow::Result<LoadOutcome> {
    spec.check()?;
    let shared = Shared::default();
    let stamps = spec.verify.then(|| Stamps::new(rand::random()));
    let connections = connect(spec, interrupt)?;
    std::thread::scope(|scope| {
        let origin = Instant::now();
        let mut threads = Vec::with_capacity(spec.threads);
        for (number, connections) in connections.into_iter().enumerate() {
            let source =
                RequestSource::new(spec, number as u64, spec.threads as u64, stamps.as_ref());
            let share = spec.share(number, origin);
            let worker = Worker::new(share, connections, source, &shared)?;
            threads.push(start(scope, &spec.cores, worker));
        }
        let watched = watch(spec, &shared, origin, &threads, interrupt, progress);
        if watched.is_err() {
            shared.stop.store(true, Ordering::Relaxed);
        }
        let mut tallies = Vec::with_capacity(threads.len());
        for thread in threads {
            tallies.push(join(thread)?);
        }
        LoadOutcome::new(spec, tallies, watched?)
    })
}

/// Opens the connections of each thread.
fn connect(spec: &LoadSpec, interrupt: &Interrupt) -> anyhow::Result<Vec<Vec<Connection>>> {
    // An earlier load may have left longer values than this one writes.
    let keeps = spec.verify.then_some(VALUE_BYTES_MAX);
    let open = |_| {
        interrupt.check()?;
        Connection::open(spec.target, keeps)
    };
    (0..spec.threads)
        .map(|number| {
            (0..spec.part(spec.connections as u64, number))
                .map(open)
                .collect()
        })
        .collect()
}

type Generator<'scope> = ScopedJoinHandle<'scope, anyhow::Result<Tally>>;

fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    cores: &'scope [usize],
    worker: Worker<'scope>,
) -> Generator<'scope> {
    scope.spawn(move || {
        pin::this_thread(cores)?;
        worker.run()
    })
}

fn join(thread: Generator<'_>) -> anyhow::Result<Tally> {
    thread
        .join()
        .map_err(|_| anyhow!("a generator thread panicked"))?
}

/// Shows how far the load is and looks at the server when measuring begins and ends; what it used between.
fn watch(
    spec: &LoadSpec,
    shared: &Shared,
    origin: Instant,
    threads: &[Generator<'_>],
    interrupt: &Interrupt,
    progress: &Progress,
) -> anyhow::Result<Option<Duration>> {
    let running = || threads.iter().any(|thread| !thread.is_finished());
    let replies = || shared.replies.load(Ordering::Relaxed);
    let cpu = || spec.server_pid.map(Usage::of).transpose();
    let Stop::After(duration) = spec.stop else {
        while running() {
            interrupt.check()?;
            progress.step(&format!("{} replies", replies()));
            std::thread::sleep(TICK);
        }
        return Ok(None);
    };
    let whole = spec.warmup + duration;
    let until = |moment: Duration| -> anyhow::Result<()> {
        while running() && origin.elapsed() < moment {
            interrupt.check()?;
            progress.load(origin.elapsed(), whole, replies());
            std::thread::sleep(TICK.min(moment.saturating_sub(origin.elapsed())));
        }
        Ok(())
    };
    until(spec.warmup)?;
    let before = cpu()?;
    until(whole)?;
    let after = cpu()?;
    while running() {
        interrupt.check()?;
        std::thread::sleep(TICK);
    }
    Ok(before
        .zip(after)
        .map(|(before, after)| after.cpu.saturating_sub(before.cpu)))
}
