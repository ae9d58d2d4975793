//! `cargo xtask`: the project's tasks, each started by one word.
//!
//! Owns the order of commands that people and the CI run; the work itself is done by cargo and by
//! the programs of the workspace.
//! Invariant: a task that fails ends with a line that says so and with exit code 1.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::{CommandFactory, Parser};
use flags::{Flags, Task};

// What can be asked for.
mod flags;

// The tasks.
mod asan;
mod bench;
mod compat;
mod docs;
mod fix;
mod fuzz_replay;
mod lint;
mod peers;
mod random;
mod run;
mod schedules;
mod test;
mod tidy;

// What they stand on.
mod engines;
mod examples;
mod figures;
mod process;

fn main() -> ExitCode {
    let Some(task) = Flags::parse().task else {
        // Nothing asked for: the list of tasks. Failing to print it has nobody to be told to.
        let _ = Flags::command().print_help();
        return ExitCode::SUCCESS;
    };
    let name = task.name();
    let started = Instant::now();
    let result = start(task);
    let seconds = started.elapsed().as_secs_f64();
    match result {
        Ok(()) => {
            eprintln!("xtask {name}: passed in {seconds:.1} s");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("xtask {name}: FAILED after {seconds:.1} s: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(task: Task) -> Result<()> {
    match task {
        Task::Run { args } => run::run(&args),
        Task::Test { long } => test::run(long),
        Task::Lint => lint::run(),
        Task::Fix => fix::run(),
        Task::Docs => docs::run(),
        Task::Peers => peers::run(),
        Task::Compat {
            random: true, plan, ..
        } => random::run(&plan),
        Task::Compat {
            scripts, against, ..
        } => compat::run(scripts.as_deref(), against.as_deref()),
        Task::Bench { args } => bench::run(&args),
        Task::FuzzReplay { args } => fuzz_replay::run(&args),
        Task::Schedules { long } => schedules::run(long),
        Task::Asan => asan::run(),
        Task::Tidy => tidy::run(),
    }
}
