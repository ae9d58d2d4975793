//! Fuzzes replay: damages small logs in every way, or by chance, and checks that recovery refuses what it must
//! and loses nothing that was durable.
//!
//! ```text
//! cargo run --release -p kv-wal --features testing --example fuzz_replay -- [--exhaustive] [--cases N]
//!     [--seed S] [--case K] [--canary]
//! ```
//!
//! `--exhaustive` goes through every truncation, every flipped bit and every bad sector of small logs;
//! `--cases` runs so many random cases, of which `--seed` and `--case` repeat one; `--canary` plants damage that
//! only the oracle can notice, and ends well if it does. Without any: `--exhaustive --cases 200000`. Exit
//! code 1 means that a case failed; random ones are noted in `tests/replay_seeds.txt`, which the tests run.

#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use kv_wal::Encoding;
use kv_wal::testing::{Counts, Failure, Fuzz};

const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/replay_seeds.txt");

/// A case that takes longer than this counts as a hang.
const CASE_LIMIT: Duration = Duration::from_secs(1);

/// Cases between two looks at the clock for the progress line.
const CASES_PER_LOOK: u64 = 1024;

struct Flags {
    exhaustive: bool,
    canary: bool,
    cases: Option<u64>,
    seed: Option<u64>,
    case: Option<u64>,
}

fn main() -> ExitCode {
    let flags = match parse(std::env::args().skip(1)) {
        Ok(flags) => flags,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    if flags.canary {
        return canary();
    }
    let mut fuzz = Fuzz::new();
    let outcome = run(&flags, &mut fuzz);
    let counts = fuzz.counts();
    println!(
        "\r{}: {} cases, {} recovered whole, {} without an unfinished tail, {} refused, slowest {:?}",
        if outcome.is_ok() { "passed" } else { "FAILED" },
        counts.cases(),
        counts.whole,
        counts.dropped,
        counts.refused,
        counts.slowest,
    );
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(told) => {
            println!("{told}");
            ExitCode::FAILURE
        }
    }
}

fn parse(words: impl Iterator<Item = String>) -> Result<Flags, String> {
    let mut words = words;
    let mut flags = Flags {
        exhaustive: false,
        canary: false,
        cases: None,
        seed: None,
        case: None,
    };
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().ok_or(format!("{word} needs a number"))?;
            value
                .parse()
                .map_err(|_| format!("{word} {value}: not a number"))
        };
        match word.as_str() {
            "--exhaustive" => flags.exhaustive = true,
            "--canary" => flags.canary = true,
            "--cases" => flags.cases = Some(number()?),
            "--seed" => flags.seed = Some(number()?),
            "--case" => flags.case = Some(number()?),
            _ => return Err(format!("unknown option {word}")),
        }
    }
    if !flags.exhaustive && flags.cases.is_none() && flags.case.is_none() {
        flags.exhaustive = true;
        flags.cases = Some(200_000);
    }
    Ok(flags)
}

fn run(flags: &Flags, fuzz: &mut Fuzz) -> Result<(), String> {
    let mut progress = Progress::new();
    if flags.exhaustive {
        for encoding in [Encoding::Binary, Encoding::Json] {
            for clean in [true, false] {
                fuzz.exhaustive(encoding, clean, &mut |counts| progress.show(counts))
                    .map_err(|failure| told("--exhaustive", &failure))?;
            }
        }
    }
    let seed = flags.seed.unwrap_or_else(random_seed);
    if let Some(case) = flags.case {
        random(fuzz, seed, case)?;
    }
    for case in 0..flags.cases.unwrap_or(0) {
        random(fuzz, seed, case)?;
        progress.show(&fuzz.counts());
    }
    if fuzz.counts().slowest > CASE_LIMIT {
        return Err("a case took too long".into());
    }
    Ok(())
}

fn random(fuzz: &mut Fuzz, seed: u64, case: u64) -> Result<(), String> {
    match fuzz.random(seed, case) {
        Ok(_) => Ok(()),
        Err(failure) => {
            let noted = OpenOptions::new()
                .append(true)
                .open(SEEDS)
                .and_then(|mut seeds| writeln!(seeds, "{seed} {case}"));
            if let Err(error) = noted {
                eprintln!("cannot note the case in {SEEDS}: {error}");
            }
            Err(told(&format!("--seed {seed} --case {case}"), &failure))
        }
    }
}

fn told(case: &str, failure: &Failure) -> String {
    format!(
        "{failure}\nrepeat it with: cargo run --release -p kv-wal --features testing \
         --example fuzz_replay -- {case}"
    )
}

fn canary() -> ExitCode {
    match Fuzz::new().canary() {
        Err(failure) => {
            println!("passed: the planted failure was caught ({failure})");
            ExitCode::SUCCESS
        }
        Ok(outcome) => {
            println!("FAILED: the planted failure was not caught ({outcome:?})");
            ExitCode::FAILURE
        }
    }
}

fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0_u8) >> 32
}

/// One line that is written over and over, for people who watch.
struct Progress {
    begun: Instant,
    shown: Instant,
    is_watched: bool,
}

impl Progress {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            shown: now,
            is_watched: io::stdout().is_terminal(),
        }
    }

    fn show(&mut self, counts: &Counts) {
        if !self.is_watched || !counts.cases().is_multiple_of(CASES_PER_LOOK) {
            return;
        }
        if self.shown.elapsed() > Duration::from_millis(100) {
            self.shown = Instant::now();
            let seconds = self.begun.elapsed().as_secs().max(1);
            print!(
                "\r{} cases, {} a second ",
                counts.cases(),
                counts.cases() / seconds
            );
            let _ = io::stdout().flush();
        }
    }
}
