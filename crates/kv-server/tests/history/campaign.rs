//! Many histories: how many, from which seeds, and what is said about them.
//!
//! ```text
//! KV_TEST_LONG=1          20,000 histories instead of 300
//! KV_TEST_SEED=n          one plan again and again: threads race, so that one run proves little
//! KV_HISTORY_COMMAND=...  another server, for comparison: a shell line with {dir} and {port} in it
//! ```

use std::env;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Error, Result, ensure};
use tempfile::TempDir;

use super::plan::Plan;
use super::process::Program;
use super::record::Verdict;
use super::run::run;

const HISTORIES: usize = 300;
const HISTORIES_LONG: usize = 20_000;

/// How often the plan of a given seed is run.
const REPEATS: usize = 100;

/// Histories at the same time; most of their time goes to waiting.
const LANES: usize = 3;

/// A line is printed after so many histories.
const REPORT_EVERY: usize = 1_000;

/// Of so many histories, the checker may leave one undecided.
const UNDECIDED_ONE_IN: usize = 100;

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    histories: usize,
    operations: usize,
    lost: usize,
    crashes: usize,
    snapshots: usize,
    undecided: usize,
}

impl Figures {
    fn add(&mut self, other: Self) {
        self.histories += other.histories;
        self.operations += other.operations;
        self.lost += other.lost;
        self.crashes += other.crashes;
        self.snapshots += other.snapshots;
        self.undecided += other.undecided;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} histories, {} operations, {} of them lost in {} crashes, {} snapshots, {} undecided",
            self.histories,
            self.operations,
            self.lost,
            self.crashes,
            self.snapshots,
            self.undecided
        )
    }
}

/// Many histories that run side by side until all are done or one is impossible.
struct Campaign {
    program: Program,
    seeds: Vec<u64>,
    begun: Instant,
    next: AtomicUsize,
    stopped: AtomicBool,
    figures: Mutex<Figures>,
}

/// Lets the histories that the environment asks for happen, judges them, and prints figures; how many they
/// were.
///
/// # Errors
///
/// One of them cannot be true, or the server did what needs no checker; the error has the whole
/// story and says how to run it again.
pub(crate) fn run_all() -> Result<u64> {
    let campaign = Campaign::from_environment()?;
    let done = thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|_| scope.spawn(|| campaign.run_lane()))
            .collect();
        let ended = lanes.into_iter().map(|lane| lane.join());
        let ended: Vec<Result<()>> = ended.map(|lane| lane.expect("a lane's end")).collect();
        ended.into_iter().collect::<Result<()>>()
    });
    let figures = campaign.print();
    done?;
    let undecided_max = figures.histories / UNDECIDED_ONE_IN;
    ensure!(
        figures.undecided <= undecided_max,
        "too many histories are undecided"
    );
    Ok(figures.histories as u64)
}

/// What the checker says of a server that writes nothing to its disk.
///
/// # Errors
///
/// The server did what needs no checker.
pub(crate) fn judge_server_without_log() -> Result<Verdict> {
    let directory = TempDir::new()?;
    let plan = Plan::draw(RandomState::new().hash_one(0)).with_durability("off");
    Ok(run(&plan, &Program::Own, directory.path())?
        .record
        .verdict())
}

impl Campaign {
    fn from_environment() -> Result<Self> {
        let program = match env::var("KV_HISTORY_COMMAND") {
            Ok(line) => Program::Other(line),
            Err(_) => Program::Own,
        };
        let seeds = match env::var("KV_TEST_SEED") {
            Ok(seed) => vec![seed.parse().context("KV_TEST_SEED is a number")?; REPEATS],
            Err(_) => {
                let long = env::var("KV_TEST_LONG").is_ok_and(|long| long == "1");
                let count = if long { HISTORIES_LONG } else { HISTORIES };
                let first = RandomState::new().hash_one(0);
                (0..count as u64)
                    .map(|number| first.wrapping_add(number))
                    .collect()
            }
        };
        Ok(Self {
            program,
            seeds,
            begun: Instant::now(),
            next: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            figures: Mutex::default(),
        })
    }

    /// Takes one seed after another until there is none.
    fn run_lane(&self) -> Result<()> {
        while !self.stopped.load(Ordering::Relaxed) {
            let next = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(&seed) = self.seeds.get(next) else {
                break;
            };
            let directory = TempDir::new()?;
            match self.run_one(seed, &directory) {
                Ok(()) => {}
                Err(error) => {
                    self.stopped.store(true, Ordering::Relaxed);
                    return Err(explained(&error, seed, directory));
                }
            }
            if (next + 1).is_multiple_of(REPORT_EVERY) {
                self.print();
            }
        }
        Ok(())
    }

    fn run_one(&self, seed: u64, directory: &TempDir) -> Result<()> {
        let outcome = run(&Plan::draw(seed), &self.program, directory.path())?;
        let verdict = outcome.record.verdict();
        let figures = Figures {
            histories: 1,
            operations: outcome.record.operations(),
            lost: outcome.record.lost(),
            crashes: outcome.crashes,
            snapshots: outcome.snapshots,
            undecided: usize::from(matches!(verdict, Verdict::Undecided)),
        };
        let mut all = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        all.add(figures);
        match verdict {
            Verdict::Possible | Verdict::Undecided => Ok(()),
            Verdict::Impossible(story) => Err(Error::msg(story)),
        }
    }

    /// Prints the figures where the test harness does not catch them.
    fn print(&self) -> Figures {
        let figures = *self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = self.begun.elapsed().as_secs_f64();
        let line = format!("linearizability: {figures}, {seconds:.1} s\n");
        // Without a place to print to, the verdict is still the test's.
        let _printed = std::io::stderr().write_all(line.as_bytes());
        figures
    }
}

/// The error with all that is needed to look into it; keeps the directory.
fn explained(error: &Error, seed: u64, directory: TempDir) -> Error {
    let directory = directory.keep();
    anyhow::anyhow!(
        "the history of seed {seed}:\n{error:#}\n\
         the server's files are kept in {}\n\
         run it again: KV_TEST_SEED={seed} cargo test -p kv-server --test linearizability histories",
        directory.display()
    )
}
