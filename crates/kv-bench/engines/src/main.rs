//! `kv-bench-engines`: measures one embedded engine in one way and prints the figures as one line of JSON.
//!
//! It owns what happens in process; rounds, medians and the report are kv-bench's, which starts this program once
//! for each measurement, so that no engine finds the memory as another has left it.
//!
//! Invariant: all engines of a comparison get the same keys, the same values and the same threads.

mod engine;
mod keys;
mod numbers;
mod threads;

mod durable_set;
mod four_threads;
mod lookups;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use engine::Engine;

/// What an engine showed: figures by name.
type Figures = BTreeMap<String, f64>;

/// Measures one embedded engine and prints the figures as JSON.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Print which engines are built in, with their versions.
    Versions,
    /// Random reads and writes in memory, one thread.
    Lookups {
        engine: Engine,
        /// How many keys there are.
        #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(16..))]
        keys: u64,
        /// How long each kind of access is measured.
        #[arg(long, default_value_t = 1_000)]
        milliseconds: u64,
    },
    /// SET from four threads, each on disk before it returns.
    DurableSet {
        engine: Engine,
        /// How long to measure.
        #[arg(long, default_value_t = 3_000)]
        milliseconds: u64,
        /// Where the data goes: a real disk.
        #[arg(long)]
        dir: PathBuf,
    },
    /// SET and GET from four threads, timed one by one.
    FourThreads {
        engine: Engine,
        /// How many operations of each kind, all threads together.
        #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u64).range(4..))]
        operations: u64,
        /// Where the data goes: a real disk.
        #[arg(long)]
        dir: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    let shown = match Cli::parse().task {
        Task::Versions => serde_json::to_value(engine::versions())?,
        Task::Lookups {
            engine,
            keys,
            milliseconds,
        } => serde_json::to_value(lookups::measure(
            engine,
            keys,
            Duration::from_millis(milliseconds),
        )?)?,
        Task::DurableSet {
            engine,
            milliseconds,
            dir,
        } => serde_json::to_value(durable_set::measure(
            engine,
            Duration::from_millis(milliseconds),
            &dir,
        )?)?,
        Task::FourThreads {
            engine,
            operations,
            dir,
        } => serde_json::to_value(four_threads::measure(engine, operations, &dir)?)?,
    };
    println!("{shown}");
    Ok(())
}
