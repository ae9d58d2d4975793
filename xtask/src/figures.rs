//! The table of figures at the end of the tests: what each kind of test of durability has done.
//!
//! The tests add lines to a file: row, count, unit and seconds, with tabs between. A row without a line has not
//! run, and the table says so.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::root;

/// Tells tests where the file is.
const FILE_VARIABLE: &str = "KV_TEST_FIGURES";

/// The rows: what is tested, and by which commands alone.
const ROWS: [(&str, &str); 9] = [
    (
        "simulated disk: crash at every place",
        "cargo test -p kv-wal --test crash -- --nocapture",
    ),
    (
        "every damage to small logs",
        "cargo xtask fuzz-replay --exhaustive",
    ),
    (
        "random damage to logs",
        "cargo xtask fuzz-replay --cases 200000",
    ),
    (
        "failing calls",
        "cargo test -p kv-wal --test faults; cargo test -p kv-server --test injection",
    ),
    (
        "linearizability across crashes",
        "cargo test -p kv-server --test linearizability",
    ),
    ("thread schedules", "cargo xtask schedules"),
    (
        "kill -9 under load",
        "cargo test -p kv-server --test crash_restart",
    ),
    (
        "planted bugs",
        "cargo test -p kv-wal --test planted_bugs; cargo xtask schedules",
    ),
    (
        "full disk of 100 MiB",
        "cargo test -p kv-server --test full_disk",
    ),
];

/// Where the figures of one run are collected.
pub(crate) struct Figures {
    file: PathBuf,
}

/// What was counted of one unit.
#[derive(Debug, Default, PartialEq)]
struct Count {
    count: u64,
    seconds: f64,
}

/// By row and unit.
type Counts = BTreeMap<usize, BTreeMap<String, Count>>;

impl Figures {
    /// Begins a new collection.
    ///
    /// # Errors
    ///
    /// The folder cannot be written to.
    pub(crate) fn begin() -> Result<Self> {
        let file = root().join("target/test-figures.tsv");
        fs::create_dir_all(root().join("target")).context("cannot make target")?;
        fs::write(&file, "").with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Self { file })
    }

    /// Tests that `command` starts add to the collection.
    pub(crate) fn collect_from(&self, command: &mut Command) {
        command.env(FILE_VARIABLE, &self.file);
    }

    /// Prints all rows.
    ///
    /// # Errors
    ///
    /// The collection cannot be read.
    pub(crate) fn print(&self) -> Result<()> {
        let all: Vec<usize> = (1..=ROWS.len()).collect();
        self.print_rows(&all)
    }

    /// Prints some rows, numbered from 1.
    ///
    /// # Errors
    ///
    /// The collection cannot be read.
    pub(crate) fn print_rows(&self, rows: &[usize]) -> Result<()> {
        let text = fs::read_to_string(&self.file);
        let text = text.with_context(|| format!("cannot read {}", self.file.display()))?;
        let counts = read(&text)?;
        eprintln!("\n| # | test | figure | seconds | command |\n|---|---|---|---|---|");
        for &row in rows {
            eprintln!("{}", line(row, counts.get(&row)));
        }
        eprintln!();
        Ok(())
    }
}

fn read(text: &str) -> Result<Counts> {
    let mut counts = Counts::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [row, count, unit, seconds] = fields[..] else {
            anyhow::bail!("{line:?} is no figure");
        };
        let row = counts.entry(row.parse()?).or_default();
        let sum = row.entry(unit.to_owned()).or_default();
        sum.count += count.parse::<u64>()?;
        sum.seconds += seconds.parse::<f64>()?;
    }
    Ok(counts)
}

/// One line of the table. Seconds are summed over tests that may have run beside one another.
fn line(row: usize, counts: Option<&BTreeMap<String, Count>>) -> String {
    let (test, command) = row
        .checked_sub(1)
        .and_then(|index| ROWS.get(index))
        .copied()
        .unwrap_or(("unknown", ""));
    let Some(counts) = counts else {
        return format!("| {row} | {test} | DID NOT RUN | | `{command}` |");
    };
    let figures: Vec<String> = counts
        .iter()
        .map(|(unit, sum)| format!("{} {unit}", sum.count))
        .collect();
    let seconds: f64 = counts.values().map(|sum| sum.seconds).sum();
    let figures = figures.join(", ");
    format!("| {row} | {test} | {figures} | {seconds:.0} | `{command}` |")
}

#[test]
fn figures_of_one_row_are_summed_by_unit() {
    let counts = read("6\t5\tschedules\t1.5\n6\t7\tschedules\t1.0\n6\t2\torders\t0.5\n").unwrap();
    assert_eq!(
        line(6, counts.get(&6)),
        "| 6 | thread schedules | 2 orders, 12 schedules | 3 | `cargo xtask schedules` |"
    );
    assert!(line(9, counts.get(&9)).contains("DID NOT RUN"));
    assert!(read("6\t5").is_err());
}
