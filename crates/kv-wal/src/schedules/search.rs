//! Runs a model under many schedules.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, FailurePersistence, Runner};

use crate::testing::figures;

/// The row of the table in `docs/testing.md`.
const ROW: u32 = 6;

/// How many times more schedules a long run has.
const LONG: usize = 50;

/// A planted bug is caught by so many schedules, or not at all.
const PLANTED_MAX: usize = 20_000;

/// At most so many times a scheduler prefers a thread that it had put back, to find what takes an unlikely
/// turn.
const TURNS: usize = 3;

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = 256 << 10;
    // Relaxed is only for figures that nobody decides by.
    config.silence_warnings = true;
    config
        .ungraceful_shutdown_config
        .immediately_return_on_panic = true;
    config
}

fn seed() -> u64 {
    env::var("KV_SCHEDULES_SEED").map_or(1, |seed| seed.parse().expect("it is a number"))
}

/// Runs `model` under `schedules` schedules, and many more in a long run: half of them chosen at random, half
/// by priorities.
pub(crate) fn search(schedules: usize, model: fn()) {
    let begun = Instant::now();
    let long = env::var_os("KV_TEST_LONG").is_some();
    let schedules = if long { schedules * LONG } else { schedules };
    let random = RandomScheduler::new_from_seed(seed(), schedules / 2);
    let mut tried = Runner::new(random, config()).run(model);
    let priorities = PctScheduler::new_from_seed(seed(), TURNS, schedules / 2);
    tried += Runner::new(priorities, config()).run(model);
    assert_eq!(tried, schedules);
    figures::note(ROW, tried as u64, "schedules", begun.elapsed());
}

/// Runs `model`, in which `bug` is planted, until a schedule shows it.
pub(crate) fn catch(bug: &str, model: fn()) {
    let run = || {
        let mut config = config();
        config.failure_persistence = FailurePersistence::None;
        Runner::new(RandomScheduler::new_from_seed(seed(), PLANTED_MAX), config).run(model)
    };
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(run));
    assert!(outcome.is_err(), "{bug}: not caught");
    println!("planted: {bug}: caught by schedules");
    figures::note(8, 1, "planted bugs caught", begun.elapsed());
}
