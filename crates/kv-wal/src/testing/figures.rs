//! The figures of the table in `docs/testing.md`: each test says its own, `cargo xtask test` collects them.

use std::env;
use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

/// Names the file that figures are added to.
const FILE: &str = "KV_TEST_FIGURES";

/// Prints what a test of `row` has done, `count` times `unit`, in `took`; and adds it to the file that
/// `KV_TEST_FIGURES` names.
///
/// # Panics
///
/// When that file cannot be written.
#[expect(clippy::print_stdout, reason = "the figures are what a run is for")]
pub fn note(row: u32, count: u64, unit: &str, took: Duration) {
    let seconds = took.as_secs_f64();
    println!("row {row}: {count} {unit}, {seconds:.1} s");
    if let Some(path) = env::var_os(FILE) {
        let file = File::options().append(true).create(true).open(path);
        // One write, so that tests beside this one do not mix their lines with it.
        let line = format!("{row}\t{count}\t{unit}\t{seconds:.1}\n");
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        written.unwrap_or_else(|error| panic!("{FILE}: {error}"));
    }
}
