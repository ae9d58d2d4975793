//! What happens to the server in one history, drawn from a seed.
//!
//! Every policy but `off` promises that the crash of the process takes back nothing that was seen, so
//! each life draws its own; so do the payload encodings, which may follow one another.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// How many clients there are at once.
const CLIENTS: usize = 6;

/// Operations of each client.
pub(crate) const OPERATIONS_EACH: usize = 60;

/// Longest time between the moment at which an act is due and the act.
const DELAY_US_MAX: u64 = 3_000;

/// Longest life of a server that is killed while it starts.
const VAIN_LIFE_US_MAX: u64 = 40_000;

/// One history before it happens.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// One seed for the commands of each client.
    pub(crate) clients: Vec<u64>,
    /// How each life is started.
    pub(crate) lives: Vec<Life>,
    /// In the order in which they are due.
    pub(crate) acts: Vec<Act>,
}

/// How a life begins.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) options: Options,
    /// A server that is started first and killed after this time.
    pub(crate) vain: Option<Duration>,
}

/// Options of the command line.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) durability: &'static str,
    wal_format: &'static str,
    threads: u8,
}

/// Something that is done to the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Act {
    /// Due when this many operations have finished.
    pub(crate) due: usize,
    pub(crate) delay: Duration,
    pub(crate) what: What,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Save,
    Crash,
    ShutDown,
}

impl Plan {
    /// The plan of this seed.
    pub(crate) fn draw(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let operations = CLIENTS * OPERATIONS_EACH;
        let mut acts = Vec::new();
        for _ in 0..rng.random_range(1..=2) {
            let what = if rng.random_bool(0.9) {
                What::Crash
            } else {
                What::ShutDown
            };
            acts.push(act(&mut rng, operations, what));
        }
        for _ in 0..rng.random_range(0..=2) {
            acts.push(act(&mut rng, operations, What::Save));
        }
        acts.sort_by_key(|act| act.due);
        // Whatever was acknowledged last must be there after one more crash, too.
        acts.push(Act {
            due: operations,
            delay: Duration::ZERO,
            what: What::Crash,
        });
        let ends = acts.iter().filter(|act| act.what != What::Save).count();
        Self {
            clients: (0..CLIENTS).map(|_| rng.random()).collect(),
            lives: (0..=ends).map(|number| life(&mut rng, number)).collect(),
            acts,
        }
    }

    /// The same with one policy for all lives.
    pub(crate) fn with_durability(mut self, durability: &'static str) -> Self {
        for life in &mut self.lives {
            life.options.durability = durability;
        }
        self
    }
}

impl Options {
    /// The words after the program's name.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let words = [
            "--durability",
            self.durability,
            "--wal-format",
            self.wal_format,
        ];
        let mut words: Vec<String> = words.map(str::to_owned).into();
        // The smallest segments: this little data fills several of them.
        words.extend(["--segment-size".to_owned(), "64kb".to_owned()]);
        words.extend(["--threads".to_owned(), self.threads.to_string()]);
        words
    }
}

fn act(rng: &mut StdRng, operations: usize, what: What) -> Act {
    Act {
        due: rng.random_range(1..operations - CLIENTS),
        delay: Duration::from_micros(rng.random_range(0..DELAY_US_MAX)),
        what,
    }
}

fn life(rng: &mut StdRng, number: usize) -> Life {
    let options = Options {
        durability: ["always", "always", "everysec", "no"][rng.random_range(0..4)],
        wal_format: ["binary", "binary", "binary", "json"][rng.random_range(0..4)],
        threads: rng.random_range(1..=3),
    };
    let vain = number > 0 && rng.random_bool(0.25);
    let vain = vain.then(|| Duration::from_micros(rng.random_range(0..VAIN_LIFE_US_MAX)));
    Life { options, vain }
}
